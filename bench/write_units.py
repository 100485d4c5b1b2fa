"""The units that DynamoDB bills for requests, computed by its published rules from the requests themselves.

An item's size is that of its names and values. A write is billed by the KiB begun of the item, before or after,
whichever is larger, and twice in a transaction; an index, which no transaction covers, by the KiB of what is projected,
where anything in it changes, and twice where its key does. A consistent read is billed by 4 KiB begun.
"""

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import Any, Final

WRITE_UNIT: Final = 1024
READ_UNIT: Final = 4096
TRANSACTION: Final = 2

_CLAUSE: Final = re.compile(r"\b(SET|REMOVE|ADD)\s+(.*?)(?=\s+(?:SET|REMOVE|ADD)\s|$)", re.DOTALL)
_ASSIGNMENT: Final = re.compile(r"(#?\w+)\s*=?\s*(:\w+)")

type Item = Mapping[str, Mapping[str, Any]]
type Content = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Index:
    key: frozenset[str]
    projected: frozenset[str] | None
    """Names of attributes; None for all of them."""


@dataclass(frozen=True, slots=True)
class Table:
    key: tuple[str, ...]
    indexes: Mapping[str, Index]


@dataclass(frozen=True, slots=True)
class Written:
    """The units billed for one write: at its table, and at all of the table's indexes."""

    table: str
    units: int
    index_units: int


def tables(resources: Mapping[str, Any]) -> dict[str, Table]:
    """The tables of a template, by logical id."""
    return {
        name: _table(resource["Properties"])
        for name, resource in resources.items()
        if resource["Type"] == "AWS::DynamoDB::Table"
    }


def _table(properties: Content) -> Table:
    key = tuple(part["AttributeName"] for part in properties["KeySchema"])
    indexes = {}
    for index in properties.get("GlobalSecondaryIndexes", []):
        own = frozenset(part["AttributeName"] for part in index["KeySchema"])
        projection = index["Projection"]
        included = own | frozenset(key) | frozenset(projection.get("NonKeyAttributes", []))
        indexes[index["IndexName"]] = Index(own, None if projection["ProjectionType"] == "ALL" else included)
    return Table(key, indexes)


def size(item: Item) -> int:
    """The bytes that DynamoDB counts of an item."""
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def _value_size(value: Mapping[str, Any]) -> int:
    [(kind, content)] = value.items()
    match kind:
        case "S" | "SS":
            return sum(len(text.encode()) for text in content)
        case "B":
            return len(base64.b64decode(content))
        case "N":
            digits = len(str(content).replace("-", "").replace(".", "").strip("0"))
            return (digits + 1) // 2 + 1 + str(content).startswith("-")
        case "BOOL" | "NULL":
            return 1
        case "L" | "M":
            parts = content if kind == "L" else content.values()
            names = "" if kind == "L" else "".join(content)
            return 3 + len(names.encode()) + sum(1 + _value_size(part) for part in parts)
    raise ValueError(f"an attribute of the type {kind}")


@dataclass(slots=True)
class Meter:
    """Follows what requests make of tables, from empty ones on, and says what each is billed."""

    tables: Mapping[str, Table]
    items: dict[tuple[str, ...], dict[str, Any]] = field(default_factory=dict)

    def writes(self, requests: Iterable[tuple[str, Content]]) -> Iterator[Written]:
        """Raises `ValueError` for a write of a kind that is not known here."""
        for operation, content in requests:
            match operation:
                case "dynamodb:PutItem":
                    yield self._put(content)
                case "dynamodb:UpdateItem":
                    yield self._update(content)
                case "dynamodb:TransactWriteItems":
                    yield from map(self._transacted, content["TransactItems"])
                case "dynamodb:BatchWriteItem" | "dynamodb:DeleteItem" | "dynamodb:TransactGetItems":
                    raise ValueError(operation)

    def read_units(self, requests: Iterable[tuple[str, Content]]) -> float:
        """The units billed for the reads among requests, each key by itself."""
        units = 0.0
        for operation, content in requests:
            if operation == "dynamodb:BatchGetItem":
                for table, request in content["RequestItems"].items():
                    share = 1.0 if request.get("ConsistentRead") else 0.5
                    units += share * sum(self._blocks(table, key) for key in request["Keys"])
            if operation == "dynamodb:Query":
                units += self._queried(content)
        return units

    def _blocks(self, table: str, key: Item) -> int:
        return max(1, ceil(size(self.items.get(self._place(table, key), {})) / READ_UNIT))

    def _queried(self, content: Content) -> float:
        """A query reads all items of a partition together."""
        values = [value["S"] for value in content["ExpressionAttributeValues"].values()]
        found = (item for place, item in self.items.items() if place[0] == content["TableName"] and place[1] in values)
        share = 1.0 if content.get("ConsistentRead") else 0.5
        return share * max(1, ceil(sum(map(size, found)) / READ_UNIT))

    def _transacted(self, part: Mapping[str, Content]) -> Written:
        [(kind, content)] = part.items()
        if kind not in {"Put", "Update"}:
            raise ValueError(kind)
        written = self._put(content) if kind == "Put" else self._update(content)
        return Written(written.table, TRANSACTION * written.units, written.index_units)

    def _put(self, content: Content) -> Written:
        return self._replace(content["TableName"], content["Item"], dict(content["Item"]))

    def _update(self, content: Content) -> Written:
        before: Item = self.items.get(self._place(content["TableName"], content["Key"])) or content["Key"]
        return self._replace(content["TableName"], content["Key"], updated(before, content))

    def _replace(self, table: str, key: Item, after: dict[str, Any]) -> Written:
        place = self._place(table, key)
        before = self.items.get(place, {})
        self.items[place] = after
        units = ceil(max(size(before), size(after)) / WRITE_UNIT)
        return Written(table, units, sum(_index_units(i, before, after) for i in self.tables[table].indexes.values()))

    def _place(self, table: str, key: Item) -> tuple[str, ...]:
        return (table, *(key[name]["S"] for name in self.tables[table].key))


def updated(before: Item, content: Content) -> dict[str, Any]:
    """The item that an UpdateItem of plain assignments, removals and sums makes."""
    names, values = content.get("ExpressionAttributeNames", {}), content.get("ExpressionAttributeValues", {})
    after = dict(before)
    for clause, text in _CLAUSE.findall(content["UpdateExpression"]):
        if clause == "REMOVE":
            for name in text.split(","):
                after.pop(names.get(name.strip(), name.strip()), None)
        elif "(" in text:
            raise ValueError(text)
        else:
            after |= {names.get(name, name): values[value] for name, value in _ASSIGNMENT.findall(text)}
    return after


def _index_units(index: Index, before: Item, after: Item) -> int:
    old, new = (_projected(index, item) for item in (before, after))
    if old == new:
        return 0
    billed = [ceil(size(entry) / WRITE_UNIT) for entry in (old, new) if entry]
    moved = old and new and any(old[name] != new[name] for name in index.key)
    return sum(billed) if moved else max(billed)


def _projected(index: Index, item: Item) -> Item:
    if not item.keys() >= index.key:
        return {}
    return {name: value for name, value in item.items() if index.projected is None or name in index.projected}
