"""Decimals as text."""


def plain(number: object) -> str:
    """Writes a Decimal without exponent, trailing zeros or negative zero; for json's `default`, so it takes object."""
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
