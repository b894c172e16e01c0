"""What an administrator may do; each deed and its line in the audit log are one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, select, update

from httpkit.problems import Refused
from sso.accounts.factors import forget_all
from sso.accounts.links import ALL as ALL_LINKS
from sso.accounts.links import forget_links
from sso.accounts.notices import FACTORS_RESET
from sso.clients.registration import MAX_ACCESS_TOKEN_S
from sso.grants.account_end import LastAdministrator, require_another_administrator
from sso.grants.records import revoke_grant
from sso.problems import FORBIDDEN
from sso.storage.audit import record
from sso.storage.clients import Client
from sso.storage.grants import Grant
from sso.storage.people import User

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy.orm import Session

    from sso.accounts.invitations import Invitations
    from sso.accounts.notices import Notices
    from sso.clients.exchange_policies import ExchangePolicies
    from sso.clock import Clock
    from sso.grants.account_end import AccountEnd
    from sso.grants.session_end import SessionEnd
    from sso.keys.signing import SigningKeys
    from sso.storage.engine import Storage

_BECAUSE: Final = "ended by an administrator"


@dataclass(frozen=True)
class Affairs:
    """What of people's own accounts an administrator may reach."""

    notices: Notices
    invitations: Invitations
    account_end: AccountEnd


class Deeds:
    """Changes one object by its id; a deed that finds nothing to change writes nothing."""

    def __init__(
        self,
        storage: Storage,
        session_end: SessionEnd,
        keys: SigningKeys,
        policies: ExchangePolicies,
        affairs: Affairs,
        clock: Clock,
    ) -> None:
        self._storage = storage
        self._session_end = session_end
        self._keys = keys
        self._notices = affairs.notices
        self._account_end = affairs.account_end
        self._clock = clock
        self._table: dict[tuple[str, str], Callable[[str], bool]] = {
            ("users", "disable"): self.disable_user,
            ("users", "enable"): self.enable_user,
            ("users", "promote"): lambda sub: self._set_admin(sub, admin=True),
            ("users", "demote"): lambda sub: self._set_admin(sub, admin=False),
            ("users", "sign-out"): self.sign_out_user,
            ("users", "reset-factors"): self.reset_factors,
            ("users", "erase"): self.erase_user,
            ("invitations", "withdraw"): affairs.invitations.revoke,
            ("clients", "disable"): self.disable_client,
            ("clients", "enable"): self.enable_client,
            ("clients", "delete"): self.delete_client,
            ("clients", "require-par"): lambda id_: self._set_client(id_, par_required=True),
            ("clients", "lift-par"): lambda id_: self._set_client(id_, par_required=False),
            ("clients", "require-dpop"): lambda id_: self._set_client(id_, dpop_required=True),
            ("clients", "lift-dpop"): lambda id_: self._set_client(id_, dpop_required=False),
            ("exchanges", "forbid"): policies.forbid,
            ("grants", "revoke"): self.revoke_grant,
            ("sessions", "end"): self.end_session,
            ("keys", "replace"): self.replace_key,
        }

    def of(self, kind: str) -> list[str]:
        """Return the names of the deeds that can be done to a *kind*."""
        return [deed for of_kind, deed in self._table if of_kind == kind]

    def do(self, kind: str, id_: str, deed: str) -> bool | None:
        """Do *deed*; return whether it changed anything, or None where there is no such deed."""
        action = self._table.get((kind, deed))
        return action(id_) if action else None

    def disable_user(self, sub: str) -> bool:
        """Let nobody in as *sub* from now on; end every session, and every grant at once.

        Raises:
            Refused: nobody would be left to administer this server.
        """

        def work(session: Session) -> None:
            forget_links(session, sub, *ALL_LINKS)
            self._session_end.end_all_within(session, sub, because=_BECAUSE)

        return self._write(
            update(User).where(User.sub == sub, User.disabled_at.is_(None)),
            {"disabled_at": self._clock()},
            "user.disabled",
            f"user:{sub}",
            before=_not_the_last(sub),
            also=work,
        )

    def erase_user(self, sub: str) -> bool:
        """Delete the account with everything about the person.

        Raises:
            Refused: nobody would be left to administer this server.
        """
        try:
            return self._account_end.delete(sub)
        except LastAdministrator as last:
            raise _last_administrator() from last

    def enable_user(self, sub: str) -> bool:
        """Let the person in again; nothing that was ended comes back."""
        enabling = update(User).where(User.sub == sub, User.disabled_at.is_not(None))
        return self._write(enabling, {"disabled_at": None}, "user.enabled", f"user:{sub}")

    def sign_out_user(self, sub: str) -> bool:
        """End every session of *sub*, every grant, and every link on its way to a mailbox."""

        def work(session: Session) -> bool:
            if session.get(User, sub) is None:
                return False
            record(session, self._clock(), "user.signed_out", f"user:{sub}")
            forget_links(session, sub, *ALL_LINKS)
            self._session_end.end_all_within(session, sub, because=_BECAUSE)
            return True

        return self._storage.write(work)

    def reset_factors(self, sub: str) -> bool:
        """Let *sub* sign in by password alone, because everything else is lost."""

        def work(session: Session) -> bool:
            if session.get(User, sub) is None:
                return False
            forget_all(session, sub)
            record(session, self._clock(), "user.factors_reset", f"user:{sub}")
            self._notices.add(session, sub, FACTORS_RESET)
            return True

        return self._storage.write(work)

    def end_session(self, session_id: str) -> bool:
        """End one session with all that it was given."""
        return self._session_end.end(session_id, revoke_grants=True)

    def replace_key(self, kid: str) -> bool:
        """Publish a successor; what is there stays until its last token has expired."""
        algorithm = self._keys.algorithm_of(kid)
        if algorithm is None:
            return False
        self._keys.rotate(keep_s=MAX_ACCESS_TOKEN_S, algorithm=algorithm)
        return True

    def revoke_grant(self, grant_id: str) -> bool:
        """Revoke one grant with every token."""

        def work(session: Session) -> bool:
            done = revoke_grant(session, grant_id, self._clock(), because=_BECAUSE)
            if done:
                record(session, self._clock(), "grant.revoked", f"grant:{grant_id}")
            return done

        return self._storage.write(work)

    def disable_client(self, client_id: str) -> bool:
        """Let nobody sign in to the client, and end all that it was given."""
        return self._write(
            update(Client).where(Client.client_id == client_id, Client.disabled_at.is_(None)),
            {"disabled_at": self._clock()},
            "client.disabled",
            f"client:{client_id}",
            also=lambda session: self._revoke_of_client(session, client_id),
        )

    def enable_client(self, client_id: str) -> bool:
        """Let people sign in to the client again."""
        enabling = update(Client).where(
            Client.client_id == client_id, Client.disabled_at.is_not(None)
        )
        done = {"disabled_at": None}
        return self._write(enabling, done, "client.enabled", f"client:{client_id}")

    def delete_client(self, client_id: str) -> bool:
        """Take the client away with all it was granted."""

        def work(session: Session) -> bool:
            name = session.scalar(select(Client.name).where(Client.client_id == client_id))
            if name is None:
                return False
            session.execute(delete(Client).where(Client.client_id == client_id))
            record(session, self._clock(), "client.deleted", f"client:{client_id}", name=name)
            return True

        return self._storage.write(work)

    def _set_admin(self, sub: str, *, admin: bool) -> bool:
        changing = update(User).where(User.sub == sub, User.is_admin.is_not(admin))
        action = "user.promoted" if admin else "user.demoted"
        before = None if admin else _not_the_last(sub)
        return self._write(changing, {"is_admin": admin}, action, f"user:{sub}", before=before)

    def _set_client(self, client_id: str, **flag: bool) -> bool:
        """Hold the client to more, or to less."""
        [(name, on)] = flag.items()
        changing = update(Client).where(
            Client.client_id == client_id, getattr(Client, name).is_not(on)
        )
        return self._write(changing, flag, "client.changed", f"client:{client_id}", details=flag)

    def _write(
        self,
        changing: Any,  # noqa: ANN401 - an update without its values
        values: Mapping[str, object],
        action: str,
        object_: str,
        *,
        before: Callable[[Session], None] | None = None,
        also: Callable[[Session], None] | None = None,
        details: Mapping[str, object] | None = None,
    ) -> bool:
        now = self._clock()
        statement = changing.values(**values).execution_options(synchronize_session=False)

        def work(session: Session) -> bool:
            if before is not None:
                before(session)
            if session.execute(statement).rowcount != 1:  # type: ignore[attr-defined]
                return False
            record(session, now, action, object_, **(details or {}))
            if also is not None:
                also(session)
            return True

        return self._storage.write(work)

    def _revoke_of_client(self, session: Session, client_id: str) -> None:
        revoking = (
            update(Grant)
            .where(Grant.client_id == client_id, Grant.revoked_at.is_(None))
            .values(revoked_at=self._clock(), revoked_because=_BECAUSE)
            .execution_options(synchronize_session=False)
        )
        session.execute(revoking)


def _not_the_last(sub: str) -> Callable[[Session], None]:
    def require(session: Session) -> None:
        try:
            require_another_administrator(session, sub)
        except LastAdministrator as last:
            raise _last_administrator() from last

    return require


def _last_administrator() -> Refused:
    return Refused(FORBIDDEN, hint="the last administrator")
