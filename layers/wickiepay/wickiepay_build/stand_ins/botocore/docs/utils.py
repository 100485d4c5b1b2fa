"""botocore's documentation hooks, as no-ops: no documentation is generated in a function."""


class _NoDocumentation:
    def __init__(self, *_: object, **__: object) -> None:
        pass

    def append_documentation(self, **_: object) -> None:
        pass

    document_auto_populated_param = hide_param = replace_documentation_for_matching_shape = append_documentation


AppendParamDocumentation = AutoPopulatedParam = DocumentModifiedShape = HideParamFromOperations = _NoDocumentation
