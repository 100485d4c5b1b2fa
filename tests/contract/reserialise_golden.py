"""The golden vectors: bodies, and the texts that the real `node` and the plain `json` module make of them.

Written anew with `python tests/contract/reserialise_golden.py > tests/golden/reserialise.json`, with `node` on PATH.
"""

import hashlib
import json
import shutil
import struct
import subprocess
import sys
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path


def vectors() -> list[dict[str, str | None]]:
    """Name, body, and the texts that the provider's two examples sign of it, None where they refuse it; in base64."""
    named = bodies()
    express = (
        subprocess.run(
            [shutil.which("node") or "node", Path(__file__).with_name("express_json.mjs")],
            input=b"".join(b64encode(body) + b"\n" for body in named.values()),
            stdout=subprocess.PIPE,
            check=True,
        )
        .stdout.decode()
        .splitlines()
    )
    return [
        {
            "name": name,
            "body_base64": b64encode(body).decode(),
            "node": None if node == "-" else node,
            "python": flask(body),
        }
        for (name, body), node in zip(named.items(), express, strict=True)
    ]


def flask(body: bytes) -> str | None:
    try:
        return b64encode(json.dumps(json.loads(body)).encode()).decode()
    except ValueError:  # to which Flask answers 400
        return None


def bodies() -> Mapping[str, bytes]:
    """Name → body: the traps, each on its own, and doubles from all over their bit patterns."""
    doubles = [struct.unpack_from("<d", hashlib.sha256(bytes([n])).digest())[0] for n in range(60)]
    return {
        **TRAPS,
        **{f"number {token}": f"[{token}]".encode() for token in NUMBERS.split()},
        **{f"no number {token}": f"[{token}]".encode() for token in NO_NUMBERS.split()},
        **{f"string {token}": f'["{token}"]'.encode() for token in STRINGS.split()},
        **{f"no string {token}": f'["{token}"]'.encode() for token in NO_STRINGS.split()},
        **{f"double {double!r}": f"[{double!r},{double:.17e}]".encode() for double in doubles},
    }


NUMBERS = """
0 -0 0.0 -0.0 0e9 -0e-9 1 -1 100.00 108.50 1.10 0.1 1E5 1e+5 1e05 1e00 12345678901234567
9007199254740991 9007199254740992 9007199254740993 9007199254740993.0 -9007199254740995 1000000000000000000
99999999999999990000 123456789012345678901 999999999999999999999 1e15 1e16 1.5e16 1e17 1e20 1.2e20 -1e20
123456789012345680000 1e21 1.5e21 1e22 1.7976931348623157e308 1.7976931348623159e308 1e308 1e309 -1e999 1e99999999999
0.001 0.0001 0.00012 0.00001 0.000012 1e-5 1e-6 -1.25e-6 0.000001 0.00000123 9.99e-7 1e-7 -1e-7 1.5e-7 1e-9 1e-10 1e-21
5e-324 3e-324 2e-324 2.4703282292062327e-324 2.4703282292062328e-324 2.2250738585072011e-308 2.2250738585072014e-308
1e-400 -1e-400 4.35 0.3 0.30000000000000004 1.005 2.675 1e23 8.41e21 9.5367431640625e-7
0.1000000000000000055511151231257827
"""

NO_NUMBERS = """
NaN Infinity -Infinity nan inf - + +1 01 -01 00 1. .5 -.5 1.e5 1e 1e+ 1E- 0x10 1_000 1n 1f \u0661 \uff11 --1 1-
undefined None True
"""

STRINGS = r"""
\" \\ \/ / \b\f\n\r\t \u0000 \u001F \u001f \u007f \u0022 \u005c \u002f \u2028\u2029 \u00e9 \u00E9 é 漢字 😀 \ud83d\ude00
\uD83D\uDE00 \ud83d \uDE00 \ude00\ud83d \ud83d\ud83d\ude00 \ud83d\ude00\ude00 \ud83d-\ude00 \ud83d\u0061 \ud83d\n
\ud83d😀 \uFFFD \ufeff \uffff \udbff\udfff \ud800\udc00 [{}]:, <script>&amp;</script> NaN
"""

NO_STRINGS = r"""
\ \u \u1 \u12 \u123 \u+123 \u-123 \u12g4 \u0x41 \x41 \' \a \v \0 \U00000041 \ud83d\u \ud83d\ude0 " \\\
"""

TRAPS: Mapping[str, bytes] = {
    "a payment": b'{"event":"payment.completed","timestamp":"2026-01-15T10:25:00Z","data":{"uuid":"u-1","type":"IN",'
    b'"displayCurrency":{"currency":"EUR","amount":100.00},"transactions":[{"confirmations":12,"amount":108.50}]}}',
    "a payment with blanks": b'{\n\t"event" : "payment.completed" ,\r\n  "data" : { "amount" : [ 1.10 , 2 ] }\n}\n',
    "literals": b'{"a":null,"b":true,"c":false,"d":{},"e":[],"f":""}',
    "empty object": b"{}",
    "empty array": b"[]",
    "blanks around": b" \t\r\n[ \t\r\n1 \t\r\n] \t\r\n",
    "empty": b"",
    "blanks alone": b" \n",
    "null": b"null",
    "true": b"true",
    "number alone": b"1",
    "string alone": b'"x"',
    "quoted object": b'"{}"',
    "vertical tab": b"[1,\x0b2]",
    "form feed": b"\x0c[1]",
    "no-break space": "\u00a0[1]".encode(),
    "line separator as a blank": "[1,\u20282]".encode(),
    "nul at the end": b"[1]\x00",
    "nul at the beginning": b"\x00[1]",
    "control character in a string": b'["\x1f"]',
    "nul in a string": b'["\x00"]',
    "tab in a string": b'["\t"]',
    "newline in a string": b'["\n"]',
    "newline in a key": b'{"\n":1}',
    "delete in a string": b'["\x7f"]',
    "C1 control in a string": '["\u0080\u0085"]'.encode(),
    "line separators in a string": '["\u2028\u2029"]'.encode(),
    "comma at the end of an array": b"[1,]",
    "comma at the end of an object": b'{"a":1,}',
    "comma alone": b"[,]",
    "two values": b"[1 2]",
    "two documents": b"{}{}",
    "rubbish after": b"[1]x",
    "not closed": b'{"a":[1',
    "closed wrongly": b"[1}",
    "closed twice": b"[1]]",
    "no colon": b'{"a" 1}',
    "no value": b'{"a":}',
    "key not quoted": b"{a:1}",
    "key a number": b"{1:1}",
    "single quotes": b"{'a':1}",
    "comment": b"[1/*x*/]",
    "line comment": b"[1]//x",
    "literal in capitals": b"[TRUE]",
    "literal cut short": b"[tru]",
    "literal too long": b"[nulll]",
    "integer-like keys": b'{"b":0,"10":1,"2":2,"a":3,"0":4,"1":5}',
    "integer-like keys in a depth": b'[{"z":{"9":1,"y":2,"8":3}}]',
    "greatest array index": b'{"a":0,"4294967294":1,"4294967293":2}',
    "one above the greatest array index": b'{"a":0,"4294967295":1,"1":2}',
    "above the array indices": b'{"9007199254740993":0,"9007199254740991":1,"4294967296":2,"5":3,"10000000000":4}',
    "integers in other spellings": b'{"01":0,"-0":1,"-1":2,"1.0":3,"1e0":4,"+1":5," 1":6,"00":7,"1":8,"0":9}',
    "digits of other scripts": '{"b":0,"\u0661":1,"\uff11":2,"²":3,"1":4}'.encode(),
    "escaped integer-like key": b'{"a":0,"\\u0031":1}',
    "array index the same in two spellings": b'{"a":0,"1":1,"\\u0031":2}',
    "many array indices": ("{" + ",".join(f'"{n}":{n}' for n in range(40, -1, -1)) + "}").encode(),
    "duplicate key": b'{"a":1,"b":2,"a":3}',
    "duplicate key in another spelling": b'{"a":1,"b":2,"\\u0061":3}',
    "duplicate integer-like key": b'{"a":0,"2":1,"1":2,"2":3}',
    "duplicate surrogate pair key": '{"\\ud83d\\ude00":1,"b":2,"😀":3}'.encode(),
    "duplicate object is not merged": b'{"a":{"x":1},"a":{"y":2}}',
    "empty key": b'{"":1,"a":2,"":3}',
    "__proto__": b'{"a":1,"__proto__":{"b":2},"c":3}',
    "__proto__ null": b'{"__proto__":null}',
    "__proto__ twice": b'{"__proto__":1,"a":2,"__proto__":{"toJSON":3}}',
    "names of Object.prototype": b'{"constructor":1,"toString":2,"valueOf":3,"hasOwnProperty":4,"length":5}',
    "toJSON": b'{"toJSON":"x","a":{"toJSON":null}}',
    "key to be escaped": b'{"\\"\\\\\\n\\u2028":1}',
    "lone surrogate key": b'{"\\ud800":1,"\\uDC00":2}',
    "many digits": b"[" + b"7" * 400 + b",0." + b"3" * 400 + b"]",
    "as many digits as Python reads": b"[" + b"9" * 4300 + b"]",
    "more digits than Python reads": b"[" + b"9" * 4301 + b"]",
    "long fraction": b"[0." + b"0" * 4400 + b"1,1." + b"0" * 4400 + b"1]",
    "halfway, then one digit": b"[9007199254740993." + b"0" * 800 + b"1]",
    "exponent brings it back": b"[0." + b"0" * 400 + b"1e401,1" + b"0" * 400 + b"e-400]",
    "byte order mark": b'\xef\xbb\xbf{"a":1}',
    "byte order mark alone": b"\xef\xbb\xbf",
    "two byte order marks": b"\xef\xbb\xbf\xef\xbb\xbf[]",
    "byte order mark after a blank": b" \xef\xbb\xbf[]",
    "byte order mark in a string": b'["\xef\xbb\xbf"]',
    "invalid UTF-8 outside a string": b"[1\xff]",
    "UTF-8 byte that never occurs": b'["a\xffb"]',
    "UTF-8 continuation alone": b'["\x80\xbf"]',
    "UTF-8 cut short": b'["\xe2\x82","\xf0\x9f\x98","\xc3"]',
    "UTF-8 cut short, then another": b'["\xe2\x82\xc3\xa9\xf0\x9f\xe2\x82\xac"]',
    "UTF-8 overlong": b'["\xc0\x80\xc1\xbf\xe0\x80\x80\xf0\x80\x80\x80"]',
    "UTF-8 surrogates": b'["\xed\xa0\x80","\xed\xb0\x80","\xed\xa0\xbd\xed\xb8\x80"]',
    "UTF-8 above Unicode": b'["\xf4\x90\x80\x80\xf5\x80\x80\x80\xf8\x88\x80\x80\x80"]',
    "UTF-8 end of a string swallowed": b'["\xe2"]',
    "invalid UTF-8 in keys that become one": b'{"\xff":1,"a":2,"\xfe":3}',
    "UTF-16": '{"a":"é"}'.encode("utf-16"),
    "UTF-16 little endian": '{"a":"é"}'.encode("utf-16-le"),
    "UTF-16 big endian": '{"a":"é"}'.encode("utf-16-be"),
    "UTF-16 big endian with a mark": '\ufeff{"a":"é"}'.encode("utf-16-be"),
    "UTF-16 lone surrogate": '["\ud800"]'.encode("utf-16-le", "surrogatepass"),
    "UTF-16 cut short": '{"a":1}'.encode("utf-16-le")[:-1],
    "UTF-32": '{"a":"😀"}'.encode("utf-32"),
    "UTF-32 little endian": '{"a":"😀"}'.encode("utf-32-le"),
    "UTF-32 big endian": '{"a":"😀"}'.encode("utf-32-be"),
    "Latin-1": '{"a":"é"}'.encode("latin-1"),
    "arrays 128 deep": b"[" * 128 + b"]" * 128,
    "objects 128 deep": b'{"1":' * 128 + b"1.0" + b"}" * 128,
    "brackets in a string": b'["' + b"[{" * 200 + b'\\"' + b"[{" * 200 + b'"]',
    "brackets side by side": b'{"a":[' + b"[],{}," * 200 + b"[]]}",
}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(vectors(), indent=1) + "\n")
