// The Worker, watched: how many instances of the program there have been, how much memory the newest has, and a source of
// randomness that fails when a request says so, which is a panic in the program as it is deployed.

const Instance = WebAssembly.Instance;
const instances = [];

WebAssembly.Instance = function (...given) {
  const instance = new Instance(...given);
  instances.push(instance);
  return instance;
};

const fill = crypto.getRandomValues.bind(crypto);
let fails = false;

crypto.getRandomValues = (bytes) => {
  if (fails) {
    fails = false;
    throw new Error("there is no randomness");
  }
  return fill(bytes);
};

// Only now: what it does when it is loaded is to be seen.
const { default: worker } = await import("./worker.js");

export default {
  fetch(request, env, context) {
    if (new URL(request.url).pathname === "/test/instances") {
      const bytes = instances.at(-1).exports.memory.buffer.byteLength;
      return Response.json({ instances: instances.length, bytes });
    }
    // The first thing that is done about a request is to name it at random, and nothing else runs before that.
    fails = request.headers.has("x-test-panic");
    return worker.fetch(request, env, context);
  },
};
