// Drives the official JavaScript client against a market and reports what it understood, as JSON.
//
//   node js_client.mjs WS_URL OPTION_SYMBOL COMPACT|FULL
//
// Run from a folder whose node_modules has @dxfeed/dxlink-api and ws.

import { createRequire } from 'node:module'
import path from 'node:path'

const require = createRequire(path.join(process.cwd(), 'package.json'))
globalThis.WebSocket ??= require('ws')

const [url, option, format] = process.argv.slice(2)
const complaints = []
for (const level of ['warn', 'error']) {
  // The client says only on the console what it cannot digest.
  console[level] = (...words) => complaints.push(`${level}: ${words.map(String).join(' ')}`)
}
const { DXLinkWebSocketClient, DXLinkFeed } = require('@dxfeed/dxlink-api')

const wait = (ms) => new Promise((done) => setTimeout(done, ms))
const received = []
const errors = []

const client = new DXLinkWebSocketClient({ maxReconnectAttempts: 1 })
client.addErrorListener((error) => errors.push(`${error.type}: ${error.message}`))
client.connect(url)
client.setAuthToken('demo') // SETUP and AUTH now leave back to back

const feed = new DXLinkFeed(client, 'AUTO')
feed.getChannel().addErrorListener((error) => errors.push(`${error.type}: ${error.message}`))
feed.configure({
  acceptAggregationPeriod: 0.1,
  acceptDataFormat: format,
  acceptEventFields: {
    Quote: ['eventSymbol', 'bidPrice', 'askPrice'],
    Trade: ['eventSymbol', 'price', 'dayVolume'],
    Greeks: ['eventSymbol', 'delta', 'volatility'],
    Candle: ['eventSymbol', 'eventFlags', 'time', 'open', 'high', 'low', 'close'],
  },
})
feed.addEventListener((events) => received.push(...events))

const quotes = ['SPY', 'QQQ'].map((symbol) => ({ type: 'Quote', symbol }))
feed.addSubscriptions([
  ...quotes,
  { type: 'Trade', symbol: 'SPY' },
  { type: 'Greeks', symbol: option },
  { type: 'Candle', symbol: 'SPY{=1d}', fromTime: Date.now() - 10 * 86400e3 },
])
await wait(6000)
const first = received.splice(0)

feed.removeSubscriptions(quotes)
await wait(700)
received.splice(0)
await wait(2000)
const afterRemove = received.splice(0)

feed.clearSubscriptions()
await wait(700)
received.splice(0)
await wait(2000)

const counts = {}
for (const event of first) counts[event.eventType] = (counts[event.eventType] ?? 0) + 1
const bars = first.filter((event) => event.eventType === 'Candle')
process.stdout.write(
  JSON.stringify({
    counts,
    symbols: [...new Set(first.map((event) => event.eventSymbol))].sort(),
    crossed: first.filter((e) => e.eventType === 'Quote' && e.bidPrice > e.askPrice),
    candle_flags: bars.map((bar) => bar.eventFlags),
    quotes_after_remove: afterRemove.filter((event) => event.eventType === 'Quote').length,
    events_after_reset: received.length,
    complaints,
    errors,
  }) + '\n',
)
client.disconnect()
process.exit(0)
