// One line a check, and "N passed, M failed" at the end.
import assert from "node:assert/strict";

let passed = 0;
let failed = 0;

/** Runs one check; a failure is said and counted, and the checks after it go on. */
export async function check(name, run) {
  try {
    const value = await run();
    passed += 1;
    console.log(`ok      ${name}`);
    return value;
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${name}: ${describe(error)}`);
    return undefined;
  }
}

/** The error with what the libraries hide in `cause`: the answer of the server. */
function describe(error) {
  const parts = [error?.stack ?? String(error)];
  for (const key of ["error", "error_description", "code", "status"]) {
    if (error?.[key] !== undefined) parts.push(`${key}=${error[key]}`);
  }
  if (error?.cause !== undefined) {
    const cause = error.cause;
    parts.push(`cause=${cause instanceof Error ? cause.stack : cause instanceof URLSearchParams ? cause.toString() : JSON.stringify(cause)}`);
  }
  return parts.join("\n        ");
}

/** Prints the sums; the exit code is 0 only if something passed and nothing failed. */
export function finish() {
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
}

/** Expects a refusal of the given class with the given OAuth error code. */
export async function expectRefusal(promise, type, code, status) {
  const error = await promise.then(
    () => assert.fail(`expected ${code}, but it was accepted`),
    (reason) => reason,
  );
  if (!(error instanceof type) || error.error !== code) throw error;
  if (status !== undefined) assert.equal(error.status, status);
}

/** A setting that serve.sh hands over. */
export function setting(name) {
  const value = process.env[name];
  assert.ok(value, `${name} is not set: start this through serve.sh`);
  return value;
}
