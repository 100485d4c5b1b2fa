"""botocore's docstrings for client methods, replaced by nothing."""


class _NoDocstring:
    def __new__(cls, *_: object, **__: object) -> None:  # type: ignore[misc]
        return None


ClientMethodDocstring = PaginatorDocstring = WaiterDocstring = _NoDocstring
