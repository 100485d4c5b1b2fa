// Signs one request with http-message-signatures, and prints its headers.

const { createSigner, httpbis } = require('http-message-signatures');

const { key, algorithm, fields, request } = JSON.parse(require('node:fs').readFileSync(0, 'utf8'));

httpbis
  .signMessage(
    { key: createSigner(key, algorithm, 'client-1'), name: 'sig', params: ['created', 'keyid'], fields },
    request,
  )
  .then((signed) => console.log(JSON.stringify(signed.headers)));
