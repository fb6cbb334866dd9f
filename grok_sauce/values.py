"""@dataclass as the standard library means it, its code written when a class is first used.

The standard library writes six methods of each class as text and compiles them when its module
loads: half a millisecond a class with slots, however seldom one is made, and the product has over
200 of them at its first page. Here the same line makes the class and its slots. `__init__` is
compiled with the first object; comparing, printing, hashing and fields() bring in the standard
library's own dataclass of the same fields, and take its methods.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import MISSING, Field, FrozenInstanceError
from typing import Any, Final, TypeVar, dataclass_transform

C = TypeVar("C", bound=type)

FIELDS: Final = "__value_fields__"  # {name: (annotation, what it was given or MISSING)}, in order
LOOKED_FOR: Final = ("__dataclass_fields__", "__dataclass_params__")  # by dataclasses' functions


@dataclass_transform(field_specifiers=(dataclasses.field,))
def dataclass(*, frozen: bool = False, slots: bool) -> Callable[[C], C]:
    """The standard library's `@dataclass(frozen=..., slots=True)`, cheap to load.

    field(), fields(), replace(), asdict(), copying and pattern matching work as ever. For
    order, eq, InitVar, keyword-only fields and classes without slots take the standard library's.

    Raises:
        TypeError: the class cannot be one of these, and why.
        ValueError: a default that all objects would share.
    """
    if not slots:
        raise TypeError("a class without slots is one for dataclasses.dataclass")
    return lambda cls: _Maker(cls, frozen).make()


class _Maker:
    """What is known of one class, for the methods that are written later."""

    __slots__ = ("_frozen", "_later", "_made", "_own", "_source", "_told")

    def __init__(self, source: Any, frozen: bool) -> None:
        self._source: Any = source
        self._made: Any = None
        self._frozen = frozen
        self._own = _own_fields(source)
        self._told = {**_inherited(source, frozen), **self._own}  # told to the world: all fields
        self._later: list[str] = []
        _check_order(source, self._told)

    def make(self) -> Any:
        """The class again, with slots and methods that write themselves."""
        source, found = self._source, self._told
        kept = {name: value for name, value in vars(source).items() if name not in self._own}
        for unwanted in ("__dict__", "__weakref__"):
            kept.pop(unwanted, None)
        slots = {name for base in source.__mro__[1:-1] for name in vars(base).get("__slots__", ())}
        given = tuple(name for name, (_, value) in found.items() if _is_argument(value))
        members = {"__match_args__": given, "__init__": self._init_later(), **kept}
        self._later = [name for name in ("__repr__", "__eq__") if name not in kept]
        # As there: a class that may change and compares by its fields has no hash.
        if kept.get("__hash__") is None and ("__hash__" not in kept or "__eq__" in kept):
            members["__hash__"] = None
            self._later += ["__hash__"] * self._frozen
        members |= {name: self._method_later(name) for name in self._later}
        if self._frozen:
            members |= self._refusals()
            members |= {"__getstate__": _state, "__setstate__": _set_state}
        members |= {name: _Later(self, name) for name in LOOKED_FOR}
        members["__slots__"] = tuple(name for name in found if name not in slots)
        members["__qualname__"] = source.__qualname__
        members[FIELDS] = found
        self._made = type(source)(source.__name__, source.__bases__, members)
        self._source = None
        return self._made

    def complete(self) -> Any:
        """Take over the methods of the standard library's dataclass of the same fields."""
        donor = self._donor(frozen=self._frozen)
        for name in (*self._later, "__dataclass_params__"):
            setattr(self._made, name, vars(donor)[name])
        return self._made

    def found(self, name: str) -> Any:
        """What dataclasses' functions look for. Most want the fields, which cost no methods."""
        if name == "__dataclass_fields__":
            donor = self._donor(repr=False, eq=False)
            setattr(self._made, name, vars(donor)[name])
        else:
            self.complete()
        return vars(self._made)[name]

    def _donor(self, **terms: bool) -> Any:
        space = {name: given for name, (_, given) in self._told.items() if given is not MISSING}
        space["__annotations__"] = {name: kind for name, (kind, _) in self._told.items()}
        space |= {"__module__": self._made.__module__, "__doc__": self._made.__doc__ or "-"}
        like: Any = type(self._made.__name__, (), space)
        return dataclasses.dataclass(init=False, **terms)(like)

    def _init_later(self) -> Callable[..., None]:
        def __init__(this: Any, *args: Any, **kwargs: Any) -> None:
            self._made.__init__ = written = _written_init(self._made, self._told, self._frozen)
            written(this, *args, **kwargs)

        return __init__

    def _method_later(self, name: str) -> Callable[..., Any]:
        def method(this: Any, *args: Any) -> Any:
            return getattr(self.complete(), name)(this, *args)

        return method

    def _refusals(self) -> dict[str, Callable[..., None]]:
        def __setattr__(this: Any, name: str, value: Any) -> None:
            if type(this) is self._made or name in self._told:
                raise FrozenInstanceError(f"cannot assign to field {name!r}")
            super(self._made, this).__setattr__(name, value)

        def __delattr__(this: Any, name: str) -> None:
            if type(this) is self._made or name in self._told:
                raise FrozenInstanceError(f"cannot delete field {name!r}")
            super(self._made, this).__delattr__(name)

        return {"__setattr__": __setattr__, "__delattr__": __delattr__}


class _Later:
    """An attribute of a class that is made when somebody looks at it."""

    __slots__ = ("_maker", "_name")

    def __init__(self, maker: _Maker, name: str) -> None:
        self._maker, self._name = maker, name

    def __get__(self, instance: object, owner: type) -> Any:
        return self._maker.found(self._name)


# ---- fields --------------------------------------------------------------------------------


def _inherited(source: Any, frozen: bool) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for base in reversed(source.__mro__[1:]):
        if FIELDS in vars(base):
            if frozen != ("__setattr__" in vars(base)):
                raise TypeError(f"{source.__name__}, {base.__name__}: frozen both, or none of them")
            found |= vars(base)[FIELDS]
        elif LOOKED_FOR[0] in vars(base):
            raise TypeError(f"{base.__name__} is a dataclass of another kind")
    return found


def _own_fields(source: Any) -> dict[str, tuple[str, Any]]:
    """{name: (annotation, what it was given)} of the fields the class itself names."""
    found = {}
    for name, annotation in source.__annotations__.items():
        if not isinstance(annotation, str):
            raise TypeError(f"{source.__name__}: its module has to import annotations")
        if annotation.startswith(("ClassVar", "typing.ClassVar")):
            continue
        given = vars(source).get(name, MISSING)
        if annotation.startswith(("InitVar", "dataclasses.InitVar", "KW_ONLY")) or (
            isinstance(given, Field) and given.kw_only is True
        ):
            raise TypeError(f"{source.__name__}.{name} needs dataclasses.dataclass")
        if given is not MISSING and type(given).__hash__ is None:
            raise ValueError(f"{source.__name__}.{name}: use field(default_factory=...)")
        found[name] = (annotation, given)
    return found


def _is_argument(given: Any) -> bool:
    return bool(given.init) if isinstance(given, Field) else True


def _default(given: Any) -> Any:
    """The default value, or MISSING."""
    return given.default if isinstance(given, Field) else given


def _factory(given: Any) -> Any:
    """What makes the default value, or MISSING."""
    return given.default_factory if isinstance(given, Field) else MISSING


def _check_order(source: Any, found: dict[str, Any]) -> None:
    before = None
    for name, (_, given) in found.items():
        if name == "self":
            raise TypeError(f"{source.__name__}: no field can be called self")
        if not _is_argument(given):
            continue
        if not (_default(given) is MISSING and _factory(given) is MISSING):
            before = name
        elif before is not None:
            raise TypeError(f"{source.__name__}: {name} has no default and follows {before}")


# ---- methods -------------------------------------------------------------------------------


def _written_init(cls: Any, found: dict[str, Any], frozen: bool) -> Callable[..., None]:
    """__init__ as somebody would write it by hand; frozen fields are set through their slots."""
    known: dict[str, Any] = {"_new": object()}
    arguments, body = ["self"], []
    for name, (_, given) in found.items():
        default, factory = _default(given), _factory(given)
        value = name
        if factory is not MISSING:
            known[f"_make_{name}"], default = factory, known["_new"]
            value = f"_make_{name}() if {name} is _new else {name}"
        if _is_argument(given):
            arguments.append(name if default is MISSING else f"{name}=_default_{name}")
        elif default is MISSING:
            continue  # whoever wrote the class sets it
        else:
            value = f"_make_{name}()" if factory is not MISSING else f"_default_{name}"
        known[f"_default_{name}"] = default
        if frozen:
            known[f"_set_{name}"] = getattr(cls, name).__set__
        body.append(f"_set_{name}(self, {value})" if frozen else f"self.{name} = {value}")
    if hasattr(cls, "__post_init__"):
        body.append("self.__post_init__()")
    text = f"def write({', '.join(known)}):\n def __init__({', '.join(arguments)}):\n  "
    text += "\n  ".join(body or ["pass"]) + "\n return __init__"
    space: dict[str, Any] = {}
    exec(text, {"__name__": cls.__module__}, space)
    written: Callable[..., None] = space["write"](**known)
    written.__qualname__ = f"{cls.__qualname__}.__init__"
    written.__annotations__ = {
        **{name: kind for name, (kind, given) in found.items() if _is_argument(given)},
        "return": None,
    }
    return written


def _state(self: Any) -> list[Any]:
    """For copies and pickles, which may not set fields one by one."""
    return [getattr(self, name) for name in getattr(type(self), FIELDS)]


def _set_state(self: Any, state: list[Any]) -> None:
    for name, value in zip(getattr(type(self), FIELDS), state, strict=True):
        object.__setattr__(self, name, value)
