"""Why a signature does not fit a body.

What may have gone wrong is three tables, of the text of a signature, of bodies and of secrets: each row names one thing
that happens, and undoes it. Where the signature fits with a row or two undone, those are what happened: none fits by
accident. A row more is a line more. What cannot be undone may leave signs.

No I/O. A verdict says "valid" exactly where `wickiepay.signature.verify` does, of body and signature as they came.
"""
