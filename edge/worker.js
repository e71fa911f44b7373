// What the Workers runtime starts. It makes an instance of the gateway (edge/src, compiled to WebAssembly), and another one
// once something in it was stopped in the middle: a trap, such as a panic's, ends one task and leaves everything as it was at that moment, a held lock included. The
// requests that run in the old instance go on there; nothing of them is shared with the new one.

import bind from "./build/bindings.js";
import program from "./build/gateway.wasm";

function start() {
  const bindings = bind();
  const { exports } = new WebAssembly.Instance(program, bindings.imports);
  bindings.__wbg_set_wasm(exports);
  exports.__wbindgen_start();
  return bindings;
}

let gateway = start();

export default {
  fetch(request, env, context) {
    if (gateway.is_broken()) gateway = start();
    return gateway.fetch(request, env, context);
  },
};
