"""Finds every check of a right in the program, notes which call met it, and takes one away for the time of a call.

Checks are found in the source, so that a new one is among them by itself:

- a statement that calls what refuses: `sight.require(Right.WRITE)`, `require_whole_view(actor)`, …
- each part of a condition under which a refusal of rights is raised
- a comparison with the user or the credential that asks, with the tag of an id that was sent, with the file that a
  version is one of, or with when a user or credential was put out of use
- each such comparison that a lookup makes in its statement: of the tag of an id, and of the file of a version

The code of their functions is replaced by code that asks here at each check.
"""

import ast
import builtins
import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import CodeType, FunctionType, ModuleType
from typing import Any

import app
from app.db.transaction import Parameters, Snapshot

STAND, JUDGE, LOOK_UP = "permission_check_stands", "permission_check_judges", "permission_check_looks_up"
LOOKUPS = frozenset({"find_named", "named_node"})
COMPARED = {"tag": re.compile(r" AND (n\.)?tag = :tag"), "node": re.compile(r" AND node_id = :node")}
"""What such a lookup compares, as its statement has it."""

REFUSING = frozenset(
    {"require_whole_view", "require_proof", "_check_opens", "require_own", "refuse_foreign", "refuse_told_foreign"}
)
REFUSALS = frozenset({"ForbiddenError", "ReauthRequiredError", "dead", "_foreign", "revoked"})
SIDES = frozenset({"actor.user_id", "self._actor.user_id", "actor.id", "self._actor.id", "version.node_id"})
ATTRIBUTES = frozenset({"disabled_ms", "revoked_ms", "tag"})


@dataclass(frozen=True)
class Site:
    """One check: where it stands, what it says, and which of equal ones in its function it is."""

    function: str
    text: str
    number: int

    def __str__(self) -> str:
        return f"{self.function}: {self.text}" + (f" #{self.number}" if self.number > 1 else "")


class Checks:
    """The checks of the program while they are `planted`."""

    def __init__(self) -> None:
        """Begin with none."""
        self.sites: list[Site] = []
        self.met: set[Site] = set()
        self.removed: frozenset[str] = frozenset()

    @contextmanager
    def planted(self) -> Iterator["Checks"]:
        """Let every check ask here while entered."""
        before: list[tuple[FunctionType, CodeType]] = []
        setattr(builtins, STAND, self._stands)
        setattr(builtins, JUDGE, self._judges)
        setattr(builtins, LOOK_UP, self._looks_up)
        try:
            for module in _modules():
                before.extend(self._plant(module))
            yield self
        finally:
            for function, code in before:
                function.__code__ = code
            delattr(builtins, STAND)
            delattr(builtins, JUDGE)
            delattr(builtins, LOOK_UP)

    def _plant(self, module: ModuleType) -> Iterator[tuple[FunctionType, CodeType]]:
        marker = _Marker(module.__name__.removeprefix("app."), self.sites)
        tree = marker.visit(ast.parse(inspect.getsource(module)))
        if not marker.found:
            return
        whole = compile(ast.fix_missing_locations(tree), str(module.__file__), "exec", dont_inherit=True)
        codes = {code.co_qualname: code for code in _codes(whole)}
        for function in _functions(module):
            yield function, function.__code__
            function.__code__ = codes[function.__qualname__]

    def _stands(self, number: int) -> bool:
        site = self.sites[number]
        self.met.add(site)
        return str(site) not in self.removed

    def _judges(self, number: int, found: object, instead: object) -> object:
        return found if self._stands(number) else instead

    def _looks_up(
        self, checks: dict[str, int], find: Callable[..., object], tx: Snapshot, *named: object, **of: object
    ) -> object:
        taken = [COMPARED[what] for what, number in checks.items() if not self._stands(number)]
        return find(_Lax(tx, taken) if taken else tx, *named, **of)


class _Lax(Snapshot):
    """Looks rows up without some of what they are compared with."""

    def __init__(self, tx: Snapshot, taken: list[re.Pattern[str]]) -> None:
        super().__init__(tx.connection)
        self._taken = taken

    def one(self, statement: str, parameters: Parameters = {}) -> Any:  # noqa: B006 - never written to
        for compared in self._taken:
            statement, times = compared.subn("", statement)
            assert times == 1, f"nothing to take away from {statement}"
        return super().one(statement, parameters)


class _Marker(ast.NodeTransformer):
    """Puts a question before every check of a module."""

    def __init__(self, module: str, sites: list[Site]) -> None:
        self.found = False
        self._names = [module]
        self._sites = sites

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return self._inside(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._inside(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._inside(node)

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        if not isinstance(node.value, ast.Call) or not _refuses(node.value):
            return self.generic_visit(node)
        stands = _call(STAND, ast.Constant(self._site(node.value)))
        return ast.If(test=stands, body=[node], orelse=[])

    def visit_If(self, node: ast.If) -> ast.AST:
        raised = node.body[0].exc if isinstance(node.body[0], ast.Raise) else None
        if isinstance(raised, ast.Call) and _name(raised.func) in REFUSALS:
            node.test = self._condition(node.test)
            node.orelse = [self.visit(other) for other in node.orelse]
        else:
            self.generic_visit(node)
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        sides = (node.left, *node.comparators)
        judged = any(map(_is_judged, sides))
        passes = isinstance(node.ops[0], (ast.Eq, ast.Is))
        return self._judged(node, instead=passes) if judged else self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if _name(node.func) == "compare_digest" and any(map(_is_judged, node.args)):
            return self._judged(node, instead=True)
        if _name(node.func) in LOOKUPS:
            return self._lookup(node)
        return self.generic_visit(node)

    def _lookup(self, node: ast.Call) -> ast.AST:
        """Let a lookup ask for each thing that it compares."""
        compares = ["tag", "node"] if any(keyword.arg == "node_id" for keyword in node.keywords) else ["tag"]
        sites = ast.Dict(
            keys=[ast.Constant(what) for what in compares],
            values=[ast.Constant(self._site(node, what)) for what in compares],
        )
        looked_up = _call(LOOK_UP, sites, node.func, *node.args)
        looked_up.keywords = node.keywords
        return looked_up

    def _condition(self, test: ast.expr) -> ast.expr:
        """Judge each part of what leads to a refusal by itself."""
        if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or):
            test.values = [self._condition(value) for value in test.values]
            return test
        is_missing = isinstance(test, ast.Compare) and "is None" in ast.unparse(test)
        return test if is_missing else self._judged(test, instead=False)

    def _judged(self, node: ast.expr, *, instead: bool) -> ast.expr:
        return _call(JUDGE, ast.Constant(self._site(node)), node, ast.Constant(instead))

    def _site(self, node: ast.AST, compared: str = "") -> int:
        function, text = ".".join(self._names), f"{ast.unparse(node)} {compared}".rstrip()
        number = sum((site.function, site.text) == (function, text) for site in self._sites) + 1
        self._sites.append(Site(function, text, number))
        self.found = True
        return len(self._sites) - 1

    def _inside(self, node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        self._names.append(node.name)
        self.generic_visit(node)
        self._names.pop()
        return node


def _is_judged(side: ast.expr) -> bool:
    return ast.unparse(side) in SIDES or (isinstance(side, ast.Attribute) and side.attr in ATTRIBUTES)


def _refuses(call: ast.Call) -> bool:
    """Tell whether a call is for nothing but to refuse who may not."""
    if _name(call.func) != "require":
        return _name(call.func) in REFUSING
    asked = ast.unparse(call.args[0]) if len(call.args) == 1 else ""
    return asked == "mode" or asked.removeprefix("access.").startswith("Right.")


def _name(function: ast.expr) -> str:
    return (
        function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
    )


def _call(name: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(func=ast.Name(id=name, ctx=ast.Load()), args=list(arguments), keywords=[])


def _modules() -> Iterator[ModuleType]:
    """Yield the modules of the server that decide or ask for a decision."""
    for found in pkgutil.walk_packages(app.__path__, "app."):
        if found.name.startswith(("app.api.", "app.auth.", "app.services.", "app.middleware")):
            yield importlib.import_module(found.name)


def _functions(module: ModuleType) -> Iterator[FunctionType]:
    """Yield the functions and methods that a module defines; those within them come along in their code."""
    for thing in vars(module).values():
        if inspect.isclass(thing) and thing.__module__ == module.__name__:
            yield from filter(None, (_plain(member, module) for member in vars(thing).values()))
        elif (function := _plain(thing, module)) is not None:
            yield function


def _plain(thing: Any, module: ModuleType) -> FunctionType | None:
    thing = thing.fget if isinstance(thing, property) else thing
    thing = (
        inspect.unwrap(getattr(thing, "__func__", thing)) if callable(thing) or hasattr(thing, "__func__") else thing
    )
    is_ours = isinstance(thing, FunctionType) and thing.__module__ == module.__name__ and "<" not in thing.__qualname__
    return thing if is_ours and thing.__code__.co_filename == module.__file__ else None


def _codes(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _codes(constant)
