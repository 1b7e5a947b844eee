// The pages in a real browser, against the development server. One line a check, and "N passed, M failed" at the end.
import assert from "node:assert/strict";
import { check, finish } from "../interop/node/checks.mjs";
import { start_apps } from "./apps.mjs";
import { complaints, open_browser, picture } from "./browser.mjs";
import { Gatepost } from "./gatepost.mjs";
import { run_account } from "./scenarios/account.mjs";
import { run_admin } from "./scenarios/admin.mjs";
import { run_activity } from "./scenarios/activity.mjs";
import { run_cli } from "./scenarios/cli.mjs";
import { run_errors } from "./scenarios/errors.mjs";
import { run_hand_over } from "./scenarios/hand_over.mjs";
import { run_invites } from "./scenarios/invites.mjs";
import { run_keyboard } from "./scenarios/keyboard.mjs";
import { run_mailed } from "./scenarios/mailed.mjs";
import { run_no_script } from "./scenarios/no_script.mjs";
import { run_passkeys } from "./scenarios/passkeys.mjs";
import { run_providers } from "./scenarios/providers.mjs";
import { run_sample_app } from "./scenarios/sample_app.mjs";
import { run_second_step } from "./scenarios/second_step.mjs";
import { run_sign_in } from "./scenarios/sign_in.mjs";

const SCENARIOS = { run_sign_in, run_cli, run_account, run_activity, run_admin, run_hand_over, run_sample_app, run_passkeys, run_second_step, run_mailed, run_providers, run_invites, run_keyboard, run_no_script, run_errors };
const only = process.argv.slice(2);

async function run_scenario(name, scenario, world) {
  console.log(`-- ${name.replace("run_", "").replaceAll("_", " ")}`);
  try {
    await scenario(world);
  } catch (error) {
    let number = 0;
    for (const context of world.browser.contexts()) {
      for (const page of context.pages()) await picture(page, `stopped-${name}-${number++}`).catch(() => {});
    }
    await check(`${name} came to its end`, () => { throw error; });
  } finally {
    await Promise.all(world.browser.contexts().map((context) => context.close()));
  }
}

const world = {};
try {
  world.apps = await start_apps();
  // what does without letters; the scenarios with letters and providers start a server of their own
  world.gatepost = await Gatepost.start(`mail.smtp_url = ""\n${world.apps.settings}`);
  world.browser = await open_browser();
  for (const [name, scenario] of Object.entries(SCENARIOS)) {
    if (only.length === 0 || only.includes(name.replace("run_", ""))) await run_scenario(name, scenario, world);
  }
  await check("no page broke its own policy or threw an error", () => assert.deepEqual(complaints, []));
  await check("the server lives and logged no error", () => world.gatepost.expect_healthy());
} catch (error) {
  await check("the server and the browser start", () => { throw error; });
} finally {
  await world.browser?.close();
  await world.gatepost?.stop();
  world.apps?.close();
}
finish();
if (process.exitCode !== 0 && world.gatepost) console.error(`the end of the server's log:\n${world.gatepost.read_log().split("\n").slice(-60).join("\n")}`);
