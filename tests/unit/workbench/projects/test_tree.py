"""The tree: one order, no circles, no two names alike, one write a move."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from tests.support.queries import counted
from tests.unit.workbench.projects.conftest import answered
from workbench.database import db
from workbench.projects import order_keys
from workbench.projects.model import Node

if TYPE_CHECKING:
    import pytest

    from tests.unit.workbench.projects.conftest import Office


def moved(office: Office, node: dict[str, Any], **change: object) -> dict[str, Any]:
    """Let `max` change *node* as it stands now."""
    path = f"/nodes/{node['id']}"
    tag = office["max"].get(path).headers["ETag"]
    return answered(office["max"].call("PATCH", path, change, match=tag))


def test_the_tree_is_told_in_order_with_what_is_inside_behind_each_folder(office: Office) -> None:
    """New things come last; a node stands where it was put."""
    first, second = office.folder("first"), office.folder("second")
    office.document("inside", parent=first["id"])
    deep = office.folder("deep", parent=first["id"])
    office.document("deeper", parent=deep["id"])
    assert office.tree("rea") == ["first", " inside", " deep", "  deeper", "second"]
    moved(office, second, before=first["id"])
    assert office.tree() == ["second", "first", " inside", " deep", "  deeper"]
    moved(office, deep, parent=second["id"])
    assert office.tree() == ["second", " deep", "  deeper", "first", " inside"]
    moved(office, deep, parent=None)
    assert office.tree() == ["second", "first", " inside", "deep", " deeper"]
    moved(office, deep, before=None)
    assert office.tree() == ["second", "first", " inside", "deep", " deeper"]


def test_the_tree_is_one_query_however_large(office: Office) -> None:
    """Besides who calls and what they may: one."""
    path = f"/projects/{office.home['id']}/tree"
    costs = []
    for size in (1, 12):
        for number in range(size):
            office.document(f"{size}.{number}")
        with office.app.app_context(), counted(db.engine) as statements:
            answered(office["max"].get(path))
        costs.append(len(statements))
    assert costs[0] == costs[1] <= 5


def test_a_move_writes_the_one_node(office: Office) -> None:
    """Its neighbours stay as they are."""
    nodes = [office.document(str(number)) for number in range(6)]
    moved(office, nodes[5], before=nodes[1]["id"])
    assert office.tree() == ["0", "5", "1", "2", "3", "4"]
    versions = [answered(office["max"].get(f"/nodes/{node['id']}"))["version"] for node in nodes]
    assert versions == [1, 1, 1, 1, 1, 2]


def test_a_list_is_numbered_anew_when_a_key_gets_too_long(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is put between the same two again and again: the order holds."""
    monkeypatch.setattr(order_keys, "LENGTH_MAX", 5)
    last = office.document("last")
    names = []
    for number in range(12):
        node = office.document(str(number))
        moved(office, node, before=last["id"])
        first = office.document(f"x{number}")
        moved(office, first, before=node["id"])
        names += [f"x{number}", str(number)]
    assert office.tree() == [*names, "last"]
    with office.app.app_context():
        assert max(len(key) for (key,) in db.session.query(Node.order_key)) <= 5


def test_a_folder_is_never_inside_itself(office: Office) -> None:
    """Neither directly nor through what is in it."""
    outer = office.folder("outer")
    inner = office.folder("inner", parent=outer["id"])
    for folder in (outer, inner):
        answer = office["max"].call(
            "PATCH", f"/nodes/{outer['id']}", {"parent": folder["id"]}, match='"v1"'
        )
        assert answered(answer, 422)["errors"][0]["code"] == "inside_itself"


def test_two_moves_at_once_make_no_circle(office: Office) -> None:
    """Of "a into b" and "b into a" one stands, however often they meet."""
    for round_number in range(4):
        a, b = office.folder(f"a{round_number}"), office.folder(f"b{round_number}")

        def into(pair: tuple[str, str]) -> int:
            node, parent = pair
            answer = office["max"].call("PATCH", f"/nodes/{node}", {"parent": parent}, match='"v1"')
            return answer.status_code

        with ThreadPoolExecutor(2) as pool:
            statuses = sorted(pool.map(into, [(a["id"], b["id"]), (b["id"], a["id"])]))
        assert statuses == [200, 422]
    assert len(office.tree()) == 8  # a circle would hide both from the top


def test_a_stale_move_is_412(office: Office) -> None:
    """Two people who drag the same node: the second one looks again."""
    node = office.document()
    moved(office, node, name="Renamed")
    answer = office["lea"].call("PATCH", f"/nodes/{node['id']}", {"name": "Mine"}, match='"v1"')
    assert answer.status_code == 412
    assert office.tree() == ["Renamed"]


def test_one_name_a_folder_whatever_its_writing(office: Office) -> None:
    """Case, width and composition do not make another name; a free one is suggested."""
    office.document("Ｐlan é.md")
    path = f"/projects/{office.home['id']}/documents"
    refused = answered(office["max"].post(path, {"title": "plan e\u0301.MD"}), 409)
    assert (refused["code"], refused["suggestion"]) == ("name_taken", "plan é (2).MD")
    office.document("Plan é.md", parent=office.folder("elsewhere")["id"])


def test_of_creations_of_one_name_at_once_one_stands(office: Office) -> None:
    """Eight people, one name, one folder."""
    path = f"/projects/{office.home['id']}/folders"

    def make(_: int) -> int:
        return office["max"].post(path, {"name": "same"}).status_code

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(make, range(8))) == [201] + [409] * 7


def test_a_name_that_is_none_is_refused(office: Office) -> None:
    """The field is named, with what would be right."""
    path = f"/projects/{office.home['id']}/folders"
    refused = answered(office["max"].post(path, {"name": "a/b"}), 422)
    assert refused["errors"] == [{"field": "name", "code": "not_a_name", "message": "Leave out /"}]


def test_a_sibling_of_another_folder_is_no_place(office: Office) -> None:
    """`before` names something in the folder that the node goes to."""
    node = office.document("a")
    inside = office.document("b", parent=office.folder("f")["id"])
    answer = office["max"].call(
        "PATCH", f"/nodes/{node['id']}", {"before": inside["id"]}, match='"v1"'
    )
    assert answered(answer, 422)["errors"][0]["field"] == "before"


def test_nothing_moves_into_another_project(office: Office) -> None:
    """A folder of another project is not there, although the caller may see it."""
    other = office["lea"].made(f"/teams/{office.team}/projects", {"name": "Other"})
    folder = office["lea"].made(f"/projects/{other['id']}/folders", {"name": "There"})
    node = office.document()
    answer = office["lea"].call(
        "PATCH", f"/nodes/{node['id']}", {"parent": folder["id"]}, match='"v1"'
    )
    assert answer.status_code == 404
    path = f"/projects/{office.home['id']}/folders"
    assert office["lea"].post(path, {"name": "x", "parent": folder["id"]}).status_code == 404


def test_a_tree_is_at_most_twenty_deep(office: Office) -> None:
    """By making and by moving."""
    parent = None
    for number in range(19):
        parent = office.folder(str(number), parent)["id"]
    path = f"/projects/{office.home['id']}/folders"
    bottom = office.folder("19", parent)
    refused = office["max"].post(path, {"name": "20", "parent": bottom["id"]})
    assert answered(refused, 409)["code"] == "limit_reached"
    top = office.folder("top")
    office.folder("below", top["id"])
    answer = office["max"].call("PATCH", f"/nodes/{top['id']}", {"parent": parent}, match='"v1"')
    assert answered(answer, 409)["code"] == "limit_reached"
