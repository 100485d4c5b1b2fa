"""Explains why a signature does not match a body.

Three tables list what may have gone wrong: with the text of a signature, with bodies, and with secrets. Each row names
one mistake and undoes it. If the signature matches with one or two rows undone, those are the cause, since none matches
by accident. A further mistake is one more line. What cannot be undone may leave signs.

No I/O. A verdict is "valid" exactly if `wickiepay.signature.verify` accepts the body and signature as they came.
"""
