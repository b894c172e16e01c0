"""One whole run: lay the ground, start every subject, let them take turns, write down the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench import ground, load, machine, procfs, sessions
from bench.peers.base import Place, Standing
from bench.report import Result, SubjectResult
from bench.stage import CannotRun, Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from bench.peers.base import Peer

_FIRST_PEER_DATABASE = 1


@dataclass(frozen=True)
class Plan:
    """How much of everything. Every number bounds the run's time."""

    rounds: int
    seconds: int
    connections: int
    people: int
    bodies: tuple[str, ...]

    def as_settings(self) -> dict[str, int]:
        """Return the numbers for the record."""
        return {
            "rounds": self.rounds,
            "seconds_a_round": self.seconds,
            "connections": self.connections,
            "signed_in_people": self.people,
        }


@dataclass
class Contender:
    """A subject that is up and has its people signed in."""

    peer: Peer
    place: Place
    standing: Standing
    target: load.Target
    result: SubjectResult


@dataclass
class Run:
    """The parts of a run that its steps share."""

    plan: Plan
    stage: Stage
    folder: Path
    packages: Path
    ours: tuple[int, ...]
    others: tuple[int, ...]
    grounds: ground.Ground
    say: Callable[[str], None]
    result: Result
    databases: int = _FIRST_PEER_DATABASE

    def place_for(self, slug: str, *, workers: int = 1, everywhere: bool = False) -> Place:
        """Return a place of its own for the subject *slug*; *everywhere* is on every core."""
        folder = self.folder / f"{self.databases:02d}-{slug}"
        folder.mkdir(parents=True)
        place = Place(
            stage=self.stage,
            cores=tuple(sorted({*self.ours, *self.others})) if everywhere else self.ours,
            folder=folder,
            packages=self.packages / slug,
            redis_url=self.grounds.redis_url(self.databases),
            upstream=self.grounds.upstream.url,
            issuer=self.grounds.issuer,
            workers=workers,
        )
        self.databases += 1
        return place

    def volley(self, *, seconds: int | None = None) -> load.Load:
        """Return the plan's load, or the same for another number of seconds."""
        return load.Load(seconds or self.plan.seconds, self.plan.connections, self.others)


def prepare(
    plan: Plan, stage: Stage, folder: Path, packages: Path, say: Callable[[str], None]
) -> Run:
    """Start what all subjects share.

    Raises:
        CannotRun: a shared part is missing on this machine: nothing can be measured.
    """
    ours, others = machine.split_cores(machine.usable_cores())
    machine.stand_aside(others)
    folder.mkdir(parents=True)
    packages = packages.resolve()
    grounds = ground.lay(stage, folder, others)
    facts = {**machine.facts(), "redis": ground.redis_version()}
    facts["subject_cores"] = ",".join(map(str, ours))
    facts["other_cores"] = ",".join(map(str, others))
    return Run(
        plan, stage, folder, packages, ours, others, grounds, say,
        Result(machine=facts, settings=plan.as_settings()),
    )  # fmt: skip


def admit(run: Run, peers: Sequence[Peer]) -> list[Contender]:
    """Start each of *peers* and sign people in; one that cannot run is written down with why."""
    contenders = []
    for peer in peers:
        outcome = SubjectResult(slug=peer.slug, title=peer.title)
        run.result.subjects.append(outcome)
        started = len(run.stage.programs)
        try:
            contender = _admit_one(run, peer, outcome)
        except CannotRun as reason:
            outcome.not_run = str(reason)
            run.say(f"{peer.title}: not measured: {reason}")
            for program in run.stage.programs[started:]:
                run.stage.stop(program)
        else:
            contenders.append(contender)
    return contenders


def _admit_one(run: Run, peer: Peer, outcome: SubjectResult) -> Contender:
    place = run.place_for(peer.slug)
    run.say(f"{peer.title}: installing what is missing, starting")
    standing = peer.start(place)
    run.say(f"{peer.title}: signing {run.plan.people} people in" if standing.login_url else "")
    headers = sessions.sign_in_many(standing, run.plan.people)
    cookies = place.folder / "cookies"
    load.write_cookies(cookies, headers)
    cookies.chmod(0o600)
    outcome.versions = peer.versions(place)
    outcome.note = standing.note
    target = load.Target(place.port, standing.program.pid, cookies)
    return Contender(peer, place, standing, target, outcome)


def alternate(run: Run, contenders: Sequence[Contender]) -> None:
    """Let the contenders take turns, so that the machine's drift meets all of them alike."""
    for body in run.plan.bodies:
        for contender in contenders:
            load.shoot(contender.target, body, run.volley(seconds=1))  # warm
        for number in range(run.plan.rounds):
            run.say(f"{body}: round {number + 1} of {run.plan.rounds}")
            for contender in contenders:
                one = load.one_round(contender.target, body, run.volley(), run.grounds.upstream)
                contender.result.rounds.setdefault(body, []).append(one)
                contender.result.memory_bytes = max(
                    contender.result.memory_bytes, procfs.memory_bytes(contender.target.pid)
                )
