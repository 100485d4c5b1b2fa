// Reads requests, one line of JSON each, and says of each whether http-message-signatures finds its signature valid.

const { createInterface } = require('node:readline');
const { createVerifier, httpbis } = require('http-message-signatures');

const { key, algorithm } = JSON.parse(process.argv[2]);

async function isValid(request) {
  try {
    return await httpbis.verifyMessage(
      {
        keyLookup: async ({ keyid }) =>
          keyid === 'client-1' ? { id: keyid, algs: [algorithm], verify: createVerifier(key, algorithm) } : null,
        requiredParams: ['created', 'keyid'],
        requiredFields: ['@method', '@target-uri', 'content-digest', 'date'],
        tolerance: 0,
      },
      request,
    );
  } catch (error) {
    return `${error}`;
  }
}

(async () => {
  for await (const line of createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(await isValid(JSON.parse(line))));
  }
})();
