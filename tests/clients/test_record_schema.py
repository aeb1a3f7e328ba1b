"""What other people's programs make of docs/call-record.schema.json: types to work with, and a validator that is strict."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from payloads.records import CALLER, NOW, answer_of, build, legs_of
from payloads.samples import ANSWERS, CALLBACKS

from schemas.callback import load_callbacks

SCHEMA = Path(__file__).parents[2] / "docs/call-record.schema.json"

VALIDATE = """
import { readFileSync } from "node:fs";
import Ajv from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

const ajv = new Ajv.default({ strict: true, allErrors: true });
addFormats.default(ajv);
const schema = JSON.parse(readFileSync("schema.json"));
const validate = ajv.compile(schema);
const refused = JSON.parse(readFileSync("records.json"))
  .map((record) => (validate(record) ? null : ajv.errorsText(validate.errors)));
console.log(JSON.stringify(refused));
"""

READ = """
import type { CallRecord, CallData, Leg } from "./record";

export function talked(record: CallRecord): string[] {
  const data: CallData = record.data;
  const legs: Leg[] = data.legs;
  return legs.filter((leg) => leg.role === "callee" && leg.on_call_seconds > 0).map((leg) => leg.number ?? "unknown");
}
// @ts-expect-error: there is no such role
export const wrong: Leg["role"] = "stranger";
"""


@pytest.fixture(scope="module")
def records():
    """A record of each sample of Exotel's that has legs, of each callback, one that was given up, and one of a new word."""
    with_legs = [name for name, sample in ANSWERS.items() if sample.api == "legs" and sample.error is None]
    of_callbacks = [
        build(legs_of(CALLER), load_callbacks(sample.to, sample.fields, sample.document, received_at=NOW))
        for sample in CALLBACKS.values()
        if sample.fields or sample.document
    ]
    assert (len(with_legs), len(of_callbacks)) >= (3, 10)
    new_word = legs_of(("sideways", "sip:operations", "exploded", 1.5))
    return [*(build(answer_of(name)) for name in with_legs), *of_callbacks, build(reason="no answer"), build(new_word)]


def test_json_schema_to_typescript_makes_interfaces_that_a_program_compiles_with(run_npm, npm_folder):
    """It made `{[k: string]: unknown}` of the whole."""
    run_npm("json2ts", SCHEMA, npm_folder / "record.d.ts", folder=npm_folder)
    made = (npm_folder / "record.d.ts").read_text(encoding="utf-8")
    assert "export type LegworkRecord = CallRecord | CallData;" in made
    interfaces = re.findall(r"export interface (\w+) {", made)
    assert sorted(interfaces) == ["Agent", "CallData", "CallRecord", "Callback", "Leg", "Provenance", "Waited"]
    (npm_folder / "read.ts").write_text(READ, encoding="utf-8")
    run_npm("tsc", "--strict", "--noEmit", "--skipLibCheck", "read.ts", folder=npm_folder)


def test_ajv_compiles_it_in_strict_mode_and_takes_every_record(run_npm, npm_folder, records):
    """Strict mode refuses what a schema may have and nobody means: a keyword without its type, an unknown format."""
    wrong = [{**records[0], "time": "yesterday"}, {**records[0], "data": {}}, {}, []]
    alone = [record["data"] for record in records]
    shutil.copy(SCHEMA, npm_folder / "schema.json")
    (npm_folder / "records.json").write_text(json.dumps([*records, *alone, *wrong]), encoding="utf-8")
    (npm_folder / "validate.js").write_text(VALIDATE, encoding="utf-8")
    said = run_npm("node", "validate.js", folder=npm_folder)
    assert said.count("\n") == 1, "nothing but the answer: it has no warning either"
    refused = json.loads(said)
    assert refused[: -len(wrong)] == [None] * 2 * len(records)
    assert all(refused[-len(wrong) :])


def test_datamodel_code_generator_makes_models_that_read_every_record(tmp_path, records):
    """It made `RootModel[Any]` of the whole."""
    model = tmp_path / "record_model.py"
    command = [sys.executable, "-m", "datamodel_code_generator", "--input", SCHEMA, "--output", model]
    kind = [
        "--input-file-type",
        "jsonschema",
        "--output-model-type",
        "pydantic_v2.BaseModel",
        "--formatters",
        "builtin",
    ]
    done = subprocess.run([*command, *kind], capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr
    assert "class CallRecord(BaseModel):" in model.read_text(encoding="utf-8")
    program = (
        "import json, sys; from record_model import CallRecord, LegworkRecord\n"
        "for record in json.load(sys.stdin):\n"
        "    read = CallRecord.model_validate(record)\n"
        "    print(read.data.call_sid, len(read.data.legs), type(LegworkRecord.model_validate(record['data']).root).__name__)\n"
    )
    read = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps(records),
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    expected = [f"{each['data']['call_sid']} {len(each['data']['legs'])} CallData" for each in records]
    assert (read.stderr, read.stdout.splitlines()) == ("", expected)
