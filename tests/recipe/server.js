// The recipe that the Socket.IO documentation gives for counting the users of several processes ("How to count the number of
// connected users", Cluster, All users presence), as a program: the same keys, commands, scripts, expiry and intervals. What it leaves
// to the reader is as plain as it can be: a user is named by the cookie `user`, and whatever can't be written is logged.
//
// PORT and REDIS_URL come by the environment. `GET /counts` answers what it shows: distinct users, and the sum of their sockets.

import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { createAdapter } from '@socket.io/redis-adapter'
import { createClient, defineScript } from 'redis'
import { Server } from 'socket.io'

const EXPIRY_S = 10
const BEAT_MS = 5000

const script = (NUMBER_OF_KEYS, SCRIPT) =>
  defineScript({ NUMBER_OF_KEYS, SCRIPT, transformArguments: (...words) => words, transformReply: reply => reply })

const redis = createClient({
  url: process.env.REDIS_URL,
  scripts: {
    // One less, and nothing in place of none.
    hDecr: script(1, `
      local left = redis.call('HINCRBY', KEYS[1], ARGV[1], -1)
      if left == 0 then redis.call('HDEL', KEYS[1], ARGV[1]) end
      return left`),
    // A dead process's sockets are taken off; answers whose last they were.
    cleanup: script(2, `
      local gone = {}
      local own = redis.call('HGETALL', KEYS[2])
      for at = 1, #own, 2 do
        local left = redis.call('HINCRBY', KEYS[1], own[at], -tonumber(own[at + 1]))
        if left == 0 then
          redis.call('HDEL', KEYS[1], own[at])
          table.insert(gone, own[at])
        end
      end
      redis.call('DEL', KEYS[2])
      return gone`),
  },
})
// The first line alone: a client that is not connected says it again and again.
const failed = what => error => console.error(`${what}: ${error.message.split('\n', 1)[0]}`)
const [pub, sub] = [redis.duplicate(), redis.duplicate()]
for (const client of [redis, pub, sub])
  client.on('error', failed('redis'))
await Promise.all([redis.connect(), pub.connect(), sub.connect()])

const id = randomUUID()
const isUp = process => `${process}:is-up`
const usersOf = process => `${process}:users`
await redis.multi().sAdd('processes', id).set(isUp(id), '1', { EX: EXPIRY_S }).exec()

setInterval(() => redis.expire(isUp(id), EXPIRY_S).catch(failed('heartbeat')), BEAT_MS)

setInterval(async () => {
  try {
    const processes = await redis.sMembers('processes')
    if (!processes.length)
      return
    const states = await redis.mGet(processes.map(isUp))
    for (const process of processes.filter((_, at) => states[at] !== '1'))
      await redis.multi().cleanup('users', usersOf(process)).sRem('processes', process).exec()
  }
  catch (error) {
    failed('clean-up')(error)
  }
}, BEAT_MS)

async function came(user) {
  const [count] = await redis.multi().hIncrBy('users', user, 1).hIncrBy(usersOf(id), user, 1).exec()
  return count === 1
}

async function left(user) {
  const [count] = await redis.multi().hDecr('users', user).hDecr(usersOf(id), user).exec()
  return count === 0
}

async function counts() {
  const users = await redis.hVals('users')
  return { users: await redis.hLen('users'), connections: users.reduce((sum, count) => sum + Number(count), 0) }
}

const server = createServer((request, response) => {
  if (request.url !== '/counts') {
    response.writeHead(404).end()
    return
  }
  counts().then(
    counts => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(counts)),
    (error) => {
      failed('counts')(error)
      response.writeHead(503).end()
    },
  )
})
const io = new Server(server, { adapter: createAdapter(pub, sub), transports: ['websocket'] })

const userOf = socket => /(?:^|;\s*)user=([^;]*)/.exec(socket.handshake.headers.cookie ?? '')?.[1] ?? 'nobody'

io.on('connection', async (socket) => {
  const user = userOf(socket)
  try {
    if (await came(user))
      io.emit('user has connected', user)
  }
  catch (error) {
    failed('connection')(error)
  }
  socket.on('disconnect', async () => {
    try {
      if (await left(user))
        io.emit('user has disconnected', user)
    }
    catch (error) {
      failed('disconnection')(error)
    }
  })
})

server.listen(process.env.PORT, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${server.address().port}`))
