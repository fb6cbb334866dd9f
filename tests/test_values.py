"""The product's @dataclass against the standard library's: the same class made by both."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
import sys
import typing
from collections.abc import Callable
from dataclasses import FrozenInstanceError, asdict, astuple, field, fields, is_dataclass, replace
from typing import Any, ClassVar, Generic, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_sauce import values

T = TypeVar("T")
Decorator = Callable[..., Callable[[Any], Any]]
BOTH = [pytest.param(dataclasses.dataclass, id="theirs"), pytest.param(values.dataclass, id="ours")]
each = pytest.mark.parametrize("make", BOTH)
both_kinds = pytest.mark.parametrize("frozen", [True, False], ids=["frozen", "open"])


@values.dataclass(frozen=True, slots=True)
class Named:
    """In a module, as pickles want it."""

    name: str
    tags: list[str] = field(default_factory=list)


def made(make: Decorator, frozen: bool = True) -> Any:
    @make(frozen=frozen, slots=True)
    class Level:
        """Every kind of field."""

        KINDS: ClassVar[tuple[str, ...]] = ("wall", "flip")
        price: float
        kind: str = "wall"
        tags: list[str] = field(default_factory=list)
        weight: int = field(default=3, repr=False)
        seen: int = field(default=0, init=False, compare=False)
        notes: dict[str, int] = field(default_factory=dict, init=False)

        def doubled(self) -> float:
            return self.price * 2

    return Level


@each
@both_kinds
def test_arguments_become_fields_with_their_defaults(make: Decorator, frozen: bool) -> None:
    Level = made(make, frozen)

    plain, full = Level(5.0), Level(5.0, "flip", ["a"], weight=7)

    assert (plain.price, plain.kind, plain.tags, plain.weight) == (5.0, "wall", [], 3)
    assert (plain.seen, plain.notes, plain.doubled()) == (0, {}, 10.0)
    assert (full.kind, full.tags, full.weight, Level.KINDS) == ("flip", ["a"], 7, ("wall", "flip"))


@each
def test_each_object_gets_a_list_of_its_own(make: Decorator) -> None:
    Level = made(make)

    one, other = Level(1.0), Level(1.0)
    one.tags.append("x")

    assert other.tags == []
    assert one.notes is not other.notes


@each
@both_kinds
@pytest.mark.parametrize(
    ("arguments", "named"), [((), {}), ((1.0, "a", [], 1, 0), {}), ((1.0,), {"seen": 1})]
)
def test_wrong_arguments_are_refused_the_first_time_and_after(
    make: Decorator, frozen: bool, arguments: tuple[Any, ...], named: dict[str, Any]
) -> None:
    Level = made(make, frozen)

    for _ in range(2):
        with pytest.raises(TypeError, match=r"__init__\(\)"):
            Level(*arguments, **named)


@both_kinds
def test_they_print_compare_and_hash_alike(frozen: bool) -> None:
    ours, theirs = made(values.dataclass, frozen), made(dataclasses.dataclass, frozen)

    printed = [repr(kind(1.0, "flip", ["a"], 9)) for kind in (ours, theirs)]

    assert printed[0] == printed[1]
    for kind in (ours, theirs):
        assert kind(1.0) == kind(1.0)
        assert kind(1.0) != kind(2.0)
        assert kind(1.0) != (1.0,)
        assert kind(1.0).__eq__(1.0) is NotImplemented
    assert ours(1.0) != theirs(1.0)
    assert (ours.__hash__ is None) == (theirs.__hash__ is None) == (not frozen)


@given(st.lists(st.tuples(st.integers(), st.text()), max_size=8))
def test_equal_values_are_one_in_a_set(pairs: list[tuple[int, str]]) -> None:
    @values.dataclass(frozen=True, slots=True)
    class Pair:
        number: int
        text: str = ""

    assert {(pair.number, pair.text) for pair in {Pair(*pair) for pair in pairs}} == set(pairs)
    assert all(hash(Pair(*pair)) == hash(pair) for pair in pairs)


@each
def test_frozen_fields_cannot_be_set_or_deleted_open_ones_can(make: Decorator) -> None:
    frozen, opened = made(make, True)(1.0), made(make, False)(1.0)

    with pytest.raises(FrozenInstanceError, match="price"):
        frozen.price = 2.0
    with pytest.raises(FrozenInstanceError, match="kind"):
        del frozen.kind
    opened.price = 2.0

    assert (frozen.price, opened.price) == (1.0, 2.0)


@each
def test_there_is_no_room_for_other_attributes(make: Decorator) -> None:
    Level = made(make, False)
    level = Level(1.0)

    with pytest.raises(AttributeError):
        level.other = 1
    assert not hasattr(level, "__dict__")
    assert Level.__slots__ == (
        "price",
        "kind",
        "tags",
        "weight",
        "seen",
        "notes",
    )


@each
@both_kinds
def test_the_functions_of_dataclasses_work(make: Decorator, frozen: bool) -> None:
    Level = made(make, frozen)
    level: Any = Level(1.0, tags=["a"])

    changed = replace(level, price=2.0)

    assert is_dataclass(Level)
    assert is_dataclass(level)
    assert [(each.name, each.type, each.init, each.repr) for each in fields(Level)] == [
        ("price", "float", True, True),
        ("kind", "str", True, True),
        ("tags", "list[str]", True, True),
        ("weight", "int", True, False),
        ("seen", "int", False, True),
        ("notes", "dict[str, int]", False, True),
    ]
    assert asdict(level) == {
        "price": 1.0, "kind": "wall", "tags": ["a"], "weight": 3, "seen": 0, "notes": {},
    }  # fmt: skip
    assert astuple(level)[:3] == (1.0, "wall", ["a"])
    assert (changed.price, changed.tags, level.price) == (2.0, ["a"], 1.0)
    with pytest.raises(ValueError, match="seen"):
        replace(level, seen=3)


@each
@both_kinds
def test_copies_are_equal_and_apart(make: Decorator, frozen: bool) -> None:
    level = made(make, frozen)(1.0, tags=["a"])

    near, deep = copy.copy(level), copy.deepcopy(level)

    assert near == level == deep
    assert near.tags is level.tags
    assert deep.tags is not level.tags


def test_a_value_outlives_a_pickle() -> None:
    # As a module of its own knows it; import-mode importlib gives tests no such name.
    sys.modules.setdefault(__name__, sys.modules.get(__name__) or _myself())

    assert pickle.loads(pickle.dumps(Named("a", ["b"]))) == Named("a", ["b"])


def _myself() -> Any:
    found = type(sys)(__name__)
    found.Named = Named
    return found


@each
def test_patterns_match_by_place(make: Decorator) -> None:
    Level = made(make)

    match Level(4.0, "flip"):
        case Level(price, kind):
            found = (price, kind)

    assert found == (4.0, "flip")
    assert Level.__match_args__ == ("price", "kind", "tags", "weight")


@each
@both_kinds
def test_a_subclass_adds_fields_and_keeps_the_order(make: Decorator, frozen: bool) -> None:
    Level = made(make, frozen)

    @make(frozen=frozen, slots=True)
    class Wall(Level):
        kind: str = "call"
        side: int = 1

    wall = Wall(1.0, weight=4, side=2)

    assert (wall.kind, wall.weight, wall.side, wall.doubled()) == ("call", 4, 2, 2.0)
    assert [each.name for each in fields(wall)] == [
        "price", "kind", "tags", "weight", "seen", "notes", "side",
    ]  # fmt: skip
    assert Wall.__slots__ == ("side",)
    assert repr(wall).endswith("seen=0, notes={}, side=2)")
    assert wall != Level(1.0, "call", weight=4)
    assert replace(wall, side=3).side == 3
    assert Level(1.0).kind == "wall"


def test_a_plain_subclass_may_have_attributes_of_its_own() -> None:
    # The standard library's frozen class with slots cannot: its super() names the first class.
    class Loose(made(values.dataclass)):
        """Not frozen beyond its fields."""

    loose = Loose(1.0)
    loose.mark = "x"

    assert loose.mark == "x"
    assert loose == Loose(1.0)
    with pytest.raises(FrozenInstanceError):
        loose.price = 2.0


@each
@both_kinds
def test_what_is_checked_after_making_is_checked_each_time(make: Decorator, frozen: bool) -> None:
    @make(frozen=frozen, slots=True)
    class Port:
        number: int

        def __post_init__(self) -> None:
            if self.number < 0:
                raise ValueError("below 0")

    for _ in range(2):
        with pytest.raises(ValueError, match="below 0"):
            Port(-1)
        assert Port(1).number == 1


@each
@both_kinds
def test_methods_the_class_has_itself_are_kept(make: Decorator, frozen: bool) -> None:
    @make(frozen=frozen, slots=True)
    class Name:
        text: str

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Name) and self.text.lower() == other.text.lower()

        def __hash__(self) -> int:
            return hash(self.text.lower())

        def __repr__(self) -> str:
            return self.text

    assert Name("A") == Name("a")
    assert len({Name("A"), Name("a")}) == 1
    assert repr(Name("A")) == "A"
    assert replace(Name("A"), text="b") == Name("B")


def test_a_generic_class_stays_one() -> None:
    # The standard library's frozen class with slots cannot either.
    @values.dataclass(frozen=True, slots=True)
    class Box(Generic[T]):
        content: T

    assert Box[int](3).content == 3
    assert Box(3) == Box[str](3)


@each
def test_names_of_fields_get_in_the_way_of_nothing(make: Decorator) -> None:
    @make(frozen=True, slots=True)
    class Odd:
        a: int
        set_a: int = 1
        default_a: int = 2
        new: list[int] = field(default_factory=list)
        object: int = 4
        cls: int = 5

    assert astuple(Odd(0, 7)) == (0, 7, 2, [], 4, 5)


@each
def test_tools_find_the_arguments_once_one_was_made(make: Decorator) -> None:
    Level = made(make)
    Level(1.0)

    assert list(inspect.signature(Level).parameters) == ["price", "kind", "tags", "weight"]
    assert typing.get_type_hints(Level.__init__)["tags"] == list[str]


@each
def test_a_default_that_all_would_share_is_refused(make: Decorator) -> None:
    with pytest.raises(ValueError, match="default_factory"):

        @make(frozen=True, slots=True)
        class Shared:
            names: list[str] = []  # noqa: RUF012


@each
def test_a_field_without_default_after_one_with_is_refused(make: Decorator) -> None:
    with pytest.raises(TypeError, match="default"):

        @make(frozen=True, slots=True)
        class Turned:
            first: int = 1
            second: int


@each
@both_kinds
def test_open_and_frozen_do_not_mix(make: Decorator, frozen: bool) -> None:
    Level = made(make, frozen)

    with pytest.raises(TypeError, match="frozen"):

        @make(frozen=not frozen, slots=True)
        class Wall(Level):
            side: int = 1


def test_what_it_is_not_for_is_refused_with_the_way_out() -> None:
    with pytest.raises(TypeError, match=r"dataclasses\.dataclass"):
        values.dataclass(slots=False)
    with pytest.raises(TypeError, match=r"dataclasses\.dataclass"):

        @values.dataclass(slots=True)
        class Keyed:
            name: int = field(kw_only=True)

    @dataclasses.dataclass
    class Theirs:
        name: int = 0

    with pytest.raises(TypeError, match="another kind"):

        @values.dataclass(slots=True)
        class Mixed(Theirs):
            other: int = 0


def test_a_class_of_the_standard_librarys_knows_whether_ours_is_frozen() -> None:
    with pytest.raises(TypeError, match="frozen"):

        @dataclasses.dataclass
        class Loose(Named):
            other: int = 0

    @dataclasses.dataclass(frozen=True)
    class Kept(Named):
        other: int = 0

    assert [each.name for each in fields(Kept)] == ["name", "tags", "other"]
    assert Kept("a", other=2) == Kept("a", [], 2)
