"""Commands of the AWS CLI, looked at without running them: whether botocore's models of the services have such a thing.

The CLI makes its commands from the same models: an operation is a command, each member of its input an option. What the
CLI adds of its own (`aws s3 cp`, `aws logs tail`, `aws cloudformation deploy`) is therefore not known here.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import botocore.session
import jmespath
from botocore import xform_name
from botocore.model import ListShape, MapShape, OperationModel, Shape, StringShape, StructureShape
from botocore.validate import ParamValidator

CALLED: Final[Mapping[str, str]] = {"deploy": "codedeploy"}
"""The CLI's own name of a service → botocore's."""

ANYWHERE: Final = frozenset({"--output", "--profile", "--query", "--region"})
"""Options of every command."""

OUTPUTS: Final = frozenset({"json", "table", "text", "yaml", "yaml-stream"})

_SESSION: Final = botocore.session.get_session()


class WrongCommand(Exception):
    """The AWS CLI would refuse this command; the text says why."""


def check(command: Sequence[str]) -> None:
    """Raises `WrongCommand` unless the CLI takes `command` (`aws`, the service, the operation, its options).

    Options have to exist, be complete and have values of their type, and --query may ask only for what is answered.
    A word in capitals stands for a value that the reader fills in: it is as long as need be.
    """
    program, service, *words = command
    if program != "aws" or service not in {*_SESSION.get_available_services(), *CALLED}:
        raise WrongCommand(f"There is no service {service}.")
    operation, rest = _operation(CALLED.get(service, service), words)
    options = dict(_options(rest))
    members: Mapping[str, Shape] = operation.input_shape.members if operation.input_shape else {}
    flags = {f"--{xform_name(name, '-')}": name for name in members}
    flags |= {f"--no-{xform_name(name, '-')}": name for name in members if members[name].type_name == "boolean"}
    if unknown := options.keys() - flags.keys() - ANYWHERE:
        raise WrongCommand(f"{operation.name} has no option {', '.join(sorted(unknown))}.")
    _check_output(operation, options)
    given = {flags[flag]: _of_option(members[flags[flag]], flag, options[flag]) for flag in options if flag in flags}
    if operation.input_shape:
        report = ParamValidator().validate(given, operation.input_shape)
        if report.has_errors():
            raise WrongCommand(f"{operation.name}: {report.generate_report()}")


def _operation(service: str, words: Sequence[str]) -> tuple[OperationModel, Sequence[str]]:
    """The operation that a command asks for, or waits for, and the words after its name."""
    model = _SESSION.get_service_model(service)
    names = {xform_name(name, "-"): name for name in model.operation_names}
    match words:
        case ["wait", awaited, *rest]:
            waiters = _SESSION.get_waiter_model(service)
            by_name = {xform_name(name, "-"): name for name in waiters.waiter_names}
            if awaited not in by_name:
                raise WrongCommand(f"{service} has no waiter {awaited}.")
            return model.operation_model(waiters.get_waiter(by_name[awaited]).operation), rest
        case [name, *rest] if name in names:
            return model.operation_model(names[name]), rest
    raise WrongCommand(f"{service} has no operation {' '.join(words[:1])}.")


def _options(words: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    """Each option with the words that follow it."""
    flag, values = "", list[str]()
    for word in words:
        if word.startswith("--"):
            if flag:
                yield flag, values
            flag, values = word, []
        elif flag:
            values.append(word)
        else:
            raise WrongCommand(f"{word} belongs to no option.")
    if flag:
        yield flag, values


def _check_output(operation: OperationModel, options: Mapping[str, list[str]]) -> None:
    for flag in ANYWHERE & options.keys():
        if len(options[flag]) != 1:
            raise WrongCommand(f"{flag} takes one value.")
    if not set(options.get("--output", ())) <= OUTPUTS:
        raise WrongCommand(f"There is no output {options['--output'][0]}.")
    for query in options.get("--query", ()):
        answered = set(_member_names(operation.output_shape)) if operation.output_shape else set[str]()
        if wrong := set(_fields(jmespath.compile(query).parsed)) - answered:
            raise WrongCommand(f"{operation.name} answers no {', '.join(sorted(wrong))}.")


def _fields(node: Mapping[str, Any]) -> Iterator[str]:
    """The names that a JMESPath expression asks for."""
    if node["type"] == "field":
        yield node["value"]
    for child in node["children"]:
        yield from _fields(child)


def _member_names(shape: Shape, inside: frozenset[str] = frozenset()) -> Iterator[str]:
    """The names of all that is anywhere in a shape."""
    if shape.name in inside:
        return
    inside |= {shape.name}
    match shape:
        case StructureShape():
            for name, member in shape.members.items():
                yield name
                yield from _member_names(member, inside)
        case ListShape():
            yield from _member_names(shape.member, inside)
        case MapShape():
            yield from _member_names(shape.value, inside)


def _of_option(shape: Shape, flag: str, words: Sequence[str]) -> object:
    """The value of an option's member of the input, made from the words that follow the option."""
    if shape.type_name == "boolean":
        if words:
            raise WrongCommand(f"{flag} takes no value.")
        return not flag.startswith("--no-")
    if isinstance(shape, ListShape) and not (len(words) == 1 and words[0].startswith("[")):
        return [_value(shape.member, word) for word in words]
    if len(words) != 1:
        raise WrongCommand(f"{flag} takes one value.")
    return _value(shape, words[0])


def _value(shape: Shape, word: str) -> object:
    """The value of a word: JSON or the CLI's shorthand (`Key=value,Key=value`) for what has members."""
    try:
        if word.startswith(("{", "[")) and not isinstance(shape, StringShape):
            return json.loads(word)
        match shape.type_name:
            case "structure" | "map":
                pairs = (pair.partition("=")[::2] for pair in word.split(","))
                members = shape.members if isinstance(shape, StructureShape) else {}
                return {key: _value(members[key], value) if members else value for key, value in pairs}
            case "integer" | "long":
                return int(word)
            case "float" | "double":
                return float(word)
            case "boolean":
                return {"true": True, "false": False}[word]
    except (KeyError, ValueError) as error:
        raise WrongCommand(f"{word} is no {shape.name}.") from error
    if isinstance(shape, StringShape) and shape.enum and word not in shape.enum:
        raise WrongCommand(f"{word} is none of {', '.join(shape.enum)}.")
    return word.ljust(shape.metadata.get("min", 0)) if word.isupper() else word
