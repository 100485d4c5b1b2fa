"""What botocore gives to a method for a docstring: here nothing."""


class _NoDocstring:
    def __new__(cls, *_: object, **__: object) -> None:  # type: ignore[misc]
        return None


ClientMethodDocstring = PaginatorDocstring = WaiterDocstring = _NoDocstring
