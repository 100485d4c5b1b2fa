"""Decimals as text."""


def plain(number: object) -> str:
    """A Decimal without exponent, trailing zeros or negative zero. Takes any object, to serve as json's `default`."""
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
