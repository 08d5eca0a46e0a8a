"""Holds functions of the profile `deploy` against their budget, and prints a table. Run from the root of the repository.

    check_sizes.py FOLDER [FUNCTION ...]

FOLDER has the binaries, or is `target/lambda`, where cargo-lambda leaves them; all functions of template.yaml are checked if none is named.

- A binary and its zip are small enough; those that touch no table, smaller still.
- No binary holds an SDK of which its function may call nothing, by its policies.
"""

import pathlib
import re
import sys
import zlib

from samcli.yamlhelper import yaml_parse

MB = 1_000_000
# Bytes of the binary and of its zip, on arm64; docs/decisions/0025-how-functions-are-built.md says why not less.
WITHOUT_TABLES = (2.2 * MB, 1.0 * MB)
BUDGET = (6.5 * MB, 3.0 * MB)
# With the word lists that passwords are held against.
WITH_WORDS = (8.5 * MB, 3.85 * MB)
# What x86 may take more: its instructions are longer, and some code is there for each generation of processors.
X86 = 1.15

# The SDK for actions with this prefix. That of STS is for roles of other accounts, which no function has.
SDKS = {"dynamodb": "dynamodb", "ses": "sesv2", "events": "eventbridge", "sqs": "sqs", "sts": "sts"}


def actions(node, resources):
    """Every action in a policy or role, and in those it refers to."""
    if isinstance(node, list):
        return {action for each in node for action in actions(each, resources)}
    if not isinstance(node, dict):
        return set()
    found = {action for key, value in node.items() if key != "Action" for action in actions(value, resources)}
    action = node.get("Action", [])
    found |= {action} if isinstance(action, str) else set(action)
    name = node.get("Ref") or next(iter(node.get("Fn::GetAtt", [])), None)
    target = resources.get(name, {"Type": ""})
    if target["Type"].startswith("AWS::IAM::"):
        found |= actions(target["Properties"], resources)
    return found


def check(folder, name, services):
    place = folder / name
    code = (place / "bootstrap" if place.is_dir() else place).read_bytes()
    # As `zip -9`, but for some hundred bytes of names.
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    zipped = len(deflate.compress(code) + deflate.flush())
    limits = BUDGET if "dynamodb" in services else WITHOUT_TABLES
    if re.search(rb"/zxcvbn-[0-9.]+/src/", code):
        limits = WITH_WORDS
    # In the header of ELF, the machine is the 19th byte.
    if code[18] == 62:
        limits = tuple(limit * X86 for limit in limits)
    print(f"| {name} | {len(code) / MB:.2f} | {zipped / MB:.2f} |")
    for what, size, limit in zip(("the binary", "the zip"), (len(code), zipped), limits):
        if size > limit:
            yield f"{name}: {what} has {size:,} bytes, {limit:,.0f} are allowed"
    for service, sdk in SDKS.items():
        # Paths of sources, for panics, and names of types.
        if service not in services and re.search(rb"aws[-_]sdk[-_]" + sdk.encode() + rb"\b", code):
            yield f"{name}: holds the SDK {sdk}, and may call nothing of {service}"


def main(folder, *names):
    resources = yaml_parse(pathlib.Path("template.yaml").read_text())["Resources"]
    functions = {}
    for resource in resources.values():
        if resource["Type"] == "AWS::Serverless::Function":
            binary = resource["Metadata"]["BuildProperties"]["Binary"]
            policies = [resource["Properties"].get(key, []) for key in ("Policies", "Role")]
            functions[binary] = {action.split(":")[0] for action in actions(policies, resources)}
    print("| function | binary MB | zip MB |\n|---|--:|--:|")
    problems = []
    for name in names or sorted(functions):
        problems += check(pathlib.Path(folder), name, functions[name])
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
