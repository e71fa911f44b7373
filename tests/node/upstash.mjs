// Uses Upstash's own client with a server of its protocol, whose database is empty, and fails if something is not as
// with Upstash.
//
//   node upstash.mjs URL TOKEN NODE_PREFIX

import assert from "node:assert/strict";
import { createRequire } from "node:module";

const [url, token, prefix] = process.argv.slice(2);
const { Redis } = createRequire(`${prefix}/`)("@upstash/redis");
// One request for each command, but where a check says otherwise.
const options = { url, token, retry: false, enableTelemetry: false, enableAutoPipelining: false };
const redis = new Redis(options);
// Without the client's own guesses at what a text means.
const plain = new Redis({ ...options, automaticDeserialization: false });
const unencoded = new Redis({ ...options, automaticDeserialization: false, responseEncoding: false });

const failure = (message) => (error) => {
  assert.equal(error.name, "UpstashError");
  assert.match(error.message, message);
  return true;
};

const checks = {
  async "sets and gets"() {
    assert.equal(await redis.set("key", "value"), "OK");
    assert.equal(await redis.get("key"), "value");
    assert.equal(await redis.get("absent"), null);
    assert.equal(await redis.set("key", "other", { nx: true }), null);
    assert.equal(await redis.exists("key", "absent"), 1);
    assert.deepEqual(await redis.mget("key", "absent"), ["value", null]);
    assert.equal(await redis.ping(), "PONG");
    await plain.set("ok", "OK");
    assert.equal(await plain.get("ok"), "OK");
    assert.deepEqual(await plain.mget("ok"), ["OK"]);
  },

  async "takes numbers, and tells them from texts"() {
    await plain.set("number", 12.5);
    assert.equal(await plain.get("number"), "12.5");
    assert.equal(await redis.get("number"), 12.5);
    assert.equal(await redis.incrby("counter", Number.MAX_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);
    assert.equal(await plain.incrbyfloat("float", 0.25), "0.25");
    await plain.set("big", "9223372036854775806");
    assert.equal(await plain.get("big"), "9223372036854775806");
    // The client's numbers end before Redis's; what was sent is another question.
    const response = await fetch(url, {
      method: "POST",
      headers: { authorization: `Bearer ${token}` },
      body: JSON.stringify(["INCR", "big"]),
    });
    assert.equal(await response.text(), '{"result":9223372036854775807}');
  },

  async "has hashes"() {
    assert.equal(await redis.hset("hash", { a: 1, b: { c: ["d"] } }), 2);
    assert.deepEqual(await redis.hgetall("hash"), { a: 1, b: { c: ["d"] } });
    assert.equal(await redis.hgetall("absent"), null);
    assert.deepEqual(await redis.hmget("hash", "a", "z"), { a: 1, z: null });
  },

  async "has sorted sets"() {
    assert.equal(await redis.zadd("set", { score: 2.5, member: "b" }, { score: 1, member: "a" }), 2);
    assert.deepEqual(await redis.zrange("set", 0, -1, { withScores: true }), ["a", 1, "b", 2.5]);
    assert.equal(await redis.zscore("set", "b"), 2.5);
    assert.equal(await redis.zremrangebyscore("set", "-inf", "(2.5"), 1);
    assert.equal(await redis.zcard("set"), 1);
  },

  async "has nested arrays"() {
    await plain.xadd("stream", "1-1", { field: "välue" });
    assert.deepEqual(await plain.exec(["XRANGE", "stream", "-", "+"]), [["1-1", ["field", "välue"]]]);
  },

  async "lets keys expire"() {
    await redis.set("short", 1, { ex: 100 });
    const left = await redis.ttl("short");
    assert.ok(left > 0 && left <= 100, `${left}`);
    assert.equal(await redis.ttl("absent"), -2);
    assert.equal(await redis.pexpire("short", -1), 1);
    assert.equal(await redis.get("short"), null);
  },

  async "answers a pipeline's commands each for itself"() {
    const pipeline = redis.pipeline().set("p", 1).incr("p").hget("p", "field").get("absent").get("p");
    const answers = await pipeline.exec({ keepErrors: true });
    assert.deepEqual(answers.map(({ result }) => result), ["OK", 2, undefined, null, 2]);
    assert.match(answers[2].error, /^WRONGTYPE /);
    await assert.rejects(pipeline.exec(), failure(/^Command 3 \[ hget \] failed: WRONGTYPE /));
  },

  async "makes one request of what a client asks at once"() {
    const requests = async () => (await (await fetch(`${url}/test/count`)).json()).requests;
    const before = await requests();
    const together = new Redis({ ...options, enableAutoPipelining: true });
    const answers = await Promise.all([together.get("absent"), together.mget("absent"), together.ping()]);
    assert.deepEqual(answers, [null, [null], "PONG"]);
    assert.equal(await requests(), before + 1);
    await assert.rejects(together.exec(["GET"]), failure(/ERR wrong number of arguments for 'get' command/));
  },

  async "executes a transaction as a whole, or not at all"() {
    assert.deepEqual(await redis.multi().set("m", "text").get("m").zadd("mz", { score: 1, member: "x" }).exec(), [
      "OK",
      "text",
      1,
    ]);
    const [, failed, after] = await redis.multi().set("m", "text").incr("m").get("m").exec({ keepErrors: true });
    assert.match(failed.error, /^ERR value is not an integer/);
    assert.equal(after.result, "text");
    await assert.rejects(transaction([["SET", "m", "changed"], ["NOSUCH"]]), failure(/^EXECABORT /));
    assert.equal(await redis.get("m"), "text");
  },

  async "evaluates scripts"() {
    const script = "redis.call('SET', KEYS[1], ARGV[1]); return {KEYS[1], ARGV[2], 7, false, {ARGV[1]}}";
    const expected = ["ek", "two", 7, null, ["ä1"]];
    assert.deepEqual(await plain.eval(script, ["ek"], ["ä1", "two"]), expected);
    const sha = await plain.scriptLoad(script);
    assert.deepEqual(await plain.evalsha(sha, ["ek"], ["ä1", "two"]), expected);
    assert.deepEqual(await plain.scriptExists(sha, "0".repeat(40)), [1, 0]);
    await assert.rejects(redis.evalsha("0".repeat(40), [], []), failure(/^NOSCRIPT No matching script/));
    assert.equal(await plain.createScript("return ARGV[1]").exec([], ["x"]), "x");
    await assert.rejects(redis.eval("return redis.error_reply('MINE it is')", [], []), failure(/^MINE it is, /));
    assert.equal(await redis.eval("return redis.status_reply('OK')", [], []), "OK");
  },

  async "passes errors on"() {
    await assert.rejects(redis.exec(["NOSUCH", "x"]), failure(/^ERR unknown command 'NOSUCH'/));
    await assert.rejects(redis.exec(["GET"]), failure(/^ERR wrong number of arguments for 'get' command/));
    await assert.rejects(redis.exec(["SUBSCRIBE", "x"]), failure(/^ERR Command "SUBSCRIBE" is not allowed in REST/));
  },

  async "keeps every character"() {
    const text = "\u0000\r\n$3\r\n\"\\\u2028ä€😀\ufffd" + String.fromCharCode(...Array(128).keys());
    for (const client of [plain, unencoded]) {
      await client.set(text, text);
      assert.equal(await client.get(text), text);
      assert.deepEqual(await client.keys("*😀*"), [text]);
    }
    // One byte that is no UTF-8: replaced by the server, or by the client that decodes it.
    await plain.setbit("bits", 0, 1);
    assert.equal(await unencoded.get("bits"), "\ufffd");
    assert.equal(await plain.get("bits"), "\ufffd");
    const long = "x".repeat(3_000_000);
    await plain.set("long", long);
    assert.equal(await plain.get("long"), long);
  },

  async "refuses another token"() {
    const stranger = new Redis({ ...options, token: `${token}x` });
    await assert.rejects(stranger.get("key"), failure(/^Unauthorized, /));
    await assert.rejects(stranger.pipeline().get("key").exec(), failure(/^Unauthorized, /));
  },
};

// The client's own transactions know only commands that exist.
function transaction(commands) {
  const multi = redis.multi();
  multi.commands = commands.map((command) => ({ command, deserialize: (result) => result }));
  return multi.exec();
}

for (const [name, check] of Object.entries(checks)) {
  await check().catch((error) => {
    throw new Error(name, { cause: error });
  });
}
