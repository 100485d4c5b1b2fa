// What the provider's Express example signs of a body, without the HTTP around it. One body a line on stdin, in base64;
// for each a line on stdout: the text that goes into the HMAC, in base64, or "-" where express.json() answers 400.
import { createInterface } from "node:readline";

function signedText(body) {
  // express.json(): body-parser in strict mode over iconv-lite, which drops one byte order mark.
  const text = body.toString("utf8").replace(/^\ufeff/, "");
  if (!/^[ \t\n\r]*[{[]/.test(text)) throw new SyntaxError("neither an object nor an array");
  // The example itself; hmac.update() takes a string as UTF-8.
  return Buffer.from(JSON.stringify(JSON.parse(text)), "utf8");
}

for await (const line of createInterface({ input: process.stdin })) {
  let answer = "-";
  try {
    answer = signedText(Buffer.from(line, "base64")).toString("base64");
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  console.log(answer);
}
