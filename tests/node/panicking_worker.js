// The Worker, in a runtime whose source of randomness fails when a request says so: that is a panic, in the program as it is
// deployed.

import worker from "./worker.js";

const fill = crypto.getRandomValues.bind(crypto);
let fails = false;

crypto.getRandomValues = (bytes) => {
  if (fails) {
    fails = false;
    throw new Error("there is no randomness");
  }
  return fill(bytes);
};

export default {
  fetch(request, env, context) {
    // The first thing that is done about a request is to name it at random, and nothing else runs before that.
    fails = request.headers.has("x-test-panic");
    return worker.fetch(request, env, context);
  },
};
