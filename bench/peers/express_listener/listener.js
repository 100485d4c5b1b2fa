// The provider's Express example, on a port that it is told. It keeps nothing: what it is told is gone.
const crypto = require('node:crypto');
const express = require('express');

const secret = process.env.WICKIEPAY_WEBHOOK_SECRET;
const app = express();
app.use(express.json());

function isSigned(payload, signature) {
  const expected = crypto.createHmac('sha256', secret).update(JSON.stringify(payload)).digest('hex');
  return signature.length === expected.length && crypto.timingSafeEqual(Buffer.from(signature), Buffer.from(expected));
}

app.post('/webhooks/wickiepay', (request, response) => {
  if (!isSigned(request.body, request.headers['x-webhook-signature'] ?? '')) {
    return response.status(401).send('Invalid signature');
  }
  if (request.body.event === 'payment.completed') {
    console.log(`Payment ${request.body.data.uuid} completed for ${request.body.data.reference}`);
  }
  return response.status(200).send('OK');
});

app.listen(Number(process.env.PORT), '127.0.0.1');
