#!/usr/bin/env python3
"""Runs functions under AWS's runtime interface emulator, each with its event from events/.

    emulate.py rie [NAME ...]    as processes of this machine
    emulate.py rie --binaries target/lambda --under 'qemu-aarch64-static -L /usr/aarch64-linux-gnu' [NAME ...]
                                  those of `cargo lambda build --arm64`, on a machine that is none
    emulate.py sam [NAME ...]    in containers, by `sam local invoke` and `sam local start-lambda`

Functions are those of cargo's profile `dev`, which are built first, or of the folder that `--binaries` names:
what cargo or cargo-lambda leaves of another profile. A NAME is that of an event, or of a function for all its
events. The services are those of `cargo local --services-only`. Whoever starts this has aws-sam-cli, which
brings the emulator, in the same Python; `sam` also wants a Docker daemon, whose images can call 172.17.0.1.
"""

import argparse
import contextlib
import functools
import importlib.util
import ipaddress
import json
import os
import pathlib
import platform
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

from expected import CASES, Contract

ROOT = pathlib.Path(__file__).resolve().parent.parent
ARCHITECTURE = {"aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), "x86_64")
PASSWORD = "plain granite kettle 47"  # That of events/authenticate.json.
IMAGE = "roster-emulated"
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"  # Without any the AWS SDK does not start.


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def build():
    """Each binary of the workspace, by name."""
    command = ["cargo", "build", "--quiet", "--bins", "--message-format=json-render-diagnostics"]
    built = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    messages = map(json.loads, built.stdout.splitlines())
    return {m["target"]["name"]: m["executable"] for m in messages if m.get("executable")}


def run(*command, **options):
    """What a command prints."""
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True, **options).stdout


@contextlib.contextmanager
def process(*command, **options):
    started = subprocess.Popen(command, cwd=ROOT, **options)
    try:
        yield started
    finally:
        started.terminate()
        started.wait()


def wait_for(port, started):
    deadline = time.monotonic() + 60
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        if started.poll() is not None or time.monotonic() > deadline:
            sys.exit(f"{started.args[0]} does not listen at port {port}")
        time.sleep(0.05)


@contextlib.contextmanager
def services(roster, *options):
    """The console of a stack without functions, in which Ann is."""
    ports = [f"--{name}-port=0" for name in ("console", "dynamodb", "eventbridge", "ses", "sqs", "ssm")]
    command = [roster, "local", "--services-only", f"--admin-password={PASSWORD}", *ports, *options]
    with process(*command, stdout=subprocess.PIPE, text=True) as started:
        for line in started.stdout:
            if ready := re.search(r"^ready .* console (\S+)  dynamodb (\S+)", line):
                console, dynamodb = ready.groups()
                run(roster, "import", "--endpoint", dynamodb, "events/samples/users.jsonl")
                yield console
                return
        sys.exit("cargo local did not start")


def emulator():
    package = pathlib.Path(importlib.util.find_spec("samcli").origin).parent
    return package / "local" / "rapid" / f"aws-lambda-rie-{ARCHITECTURE}"


def under_rie(command, variables, event):
    """The answer of a process."""
    port, api = free_port(), free_port()
    emulated = [
        emulator(), "--log-level", "error",
        "--runtime-interface-emulator-address", f"127.0.0.1:{port}",
        "--runtime-api-address", f"127.0.0.1:{api}",
        *command,
    ]  # fmt: skip
    with tempfile.TemporaryFile() as log, process(*emulated, env=variables, stdout=log, stderr=log) as started:
        wait_for(port, started)
        url = f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"
        with urllib.request.urlopen(urllib.request.Request(url, event.encode()), timeout=60) as answer:
            return json.load(answer)


def invoke(console, event, caller):
    """The command that invokes a function with its event."""
    by = ["--as", caller, "--header", "if-match: *"] if caller else []
    function = "".join(word.capitalize() for word in function_of(event).split("-"))
    return ["local", "invoke", function, "--event", f"events/{event}.json", "--console", console, *by]


def function_of(event):
    """The binary; of two mappings to one function each has an event."""
    return {"publish-events-sessions": "publish-events"}.get(event, event)


def names_of(event):
    """What it may be asked for by."""
    return {event, function_of(event)}


def rie(under, roster, executables, cases):
    with services(roster) as console:
        for event, caller, expected in cases:
            function = function_of(event)
            lines = run(roster, "local", "env", "--lines", "--console", console, function)
            variables = dict(line.split("=", 1) for line in shlex.split(lines))
            payload = run(roster, *invoke(console, event, caller), "--print")
            yield event, expected, under_rie([*under, executables[function]], variables, payload)


class Skipped(Exception):
    """This machine cannot do it."""


def bridge():
    """This machine's address for containers of Docker's default network."""
    network = json.loads(run("docker", "network", "inspect", "bridge"))[0]["IPAM"]["Config"][0]
    return network.get("Gateway") or str(ipaddress.ip_network(network["Subnet"])[1])


def libraries(*executables):
    """The files which the loader takes."""
    found = set()
    for executable in executables:
        listed = subprocess.run(["ldd", executable], stdout=subprocess.PIPE, text=True).stdout
        found |= set(re.findall(r"(/\S+) \(0x", listed))
    return found


def image(variables, executables, folder):
    """An image with what SAM's own steps and a function need, for no image can be pulled everywhere."""
    tools = [shutil.which(tool) for tool in ("sh", "mv", "chmod")]
    for file in [CERTIFICATES, *tools, *libraries(*executables, *tools)]:
        place = folder / "root" / ("bin" if file in tools else str(pathlib.Path(file).parent)[1:])
        place.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, place)
    (folder / "root" / "tmp").mkdir()
    archive = shutil.make_archive(str(folder / "image"), "tar", folder / "root")
    changes = [f"--change={line}" for line in ("ENV PATH=/bin", *variables.splitlines())]
    run("docker", "import", *changes, archive, IMAGE)


def built_template(executables, folder):
    """The template as `sam build` leaves it: each function has a folder with its binary."""
    text = (ROOT / "template.yaml").read_text()
    pattern = r"^  (\w+):\n    Type: AWS::Serverless::Function\n    Metadata: .*Binary: ([\w-]+)(?:.*\n)+?      CodeUri: \.$"

    def place(match):
        if match[2] not in executables:
            return match[0]
        code = folder / match[1]
        code.mkdir()
        os.link(executables[match[2]], code / "bootstrap")
        return match[0][:-1] + match[1]

    (folder / "template.yaml").write_text(re.sub(pattern, place, text, flags=re.MULTILINE))


def sam(roster, executables, cases):
    sam = pathlib.Path(sys.executable).with_name("sam")
    hosts = ["--bind", bridge(), "--allow-host", "host.docker.internal"]
    # Beside the binaries, which then need not be copied.
    beside = pathlib.Path(roster).parent
    with tempfile.TemporaryDirectory(dir=beside) as folder, services(roster, *hosts) as console:
        folder = pathlib.Path(folder)
        asked = {executables[function_of(case[0])] for case in cases}
        image(run(roster, "local", "env", "--docker", "--console", console), asked, folder)
        if subprocess.run(["docker", "run", "--rm", IMAGE, "sh", "-c", ":"], check=False).returncode:
            raise Skipped("the Docker daemon runs, but cannot run a container")
        built_template(executables, folder)
        (folder / "env.json").write_text(run(roster, "local", "env", "--console", console))
        options = [
            "--config-file", str(ROOT / "samconfig.toml"), "--template", str(folder / "template.yaml"),
            "--env-vars", str(folder / "env.json"), "--invoke-image", IMAGE,
            "--parameter-overrides", f"Architecture={ARCHITECTURE}",
        ]  # fmt: skip
        yield from by_sam(roster, sam, options, console, cases, folder / "log")


def by_sam(roster, sam, options, console, cases, path):
    """The first one by `sam local invoke`, the others by `sam local start-lambda`."""
    with open(path, "w+") as log:
        try:
            event, caller, expected = cases[0]
            command = invoke(console, event, caller)
            payload = run(roster, *command, "--print")
            answer = run(sam, "local", "invoke", command[2], "-e", "-", *options, input=payload, stderr=log)
            yield event, expected, json.loads(answer)
            port = free_port()
            lambdas = [sam, "local", "start-lambda", "--port", str(port), *options]
            with process(*lambdas, stdout=log, stderr=log) as started:
                wait_for(port, started)
                to = ["--endpoint", f"http://127.0.0.1:{port}"]
                for event, caller, expected in cases[1:]:
                    answer = run(roster, *invoke(console, event, caller), *to)
                    yield event, expected, json.loads(answer)
        except (subprocess.CalledProcessError, SystemExit):
            print(path.read_text(), file=sys.stderr)
            raise


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("how", choices=["rie", "sam"])
    parser.add_argument("--binaries", metavar="FOLDER", type=pathlib.Path)
    parser.add_argument("--under", metavar="COMMAND", default="")
    parser.add_argument("names", nargs="*", metavar="NAME")
    arguments = parser.parse_intermixed_args()
    executables = build()
    if arguments.binaries:
        arguments.binaries = arguments.binaries.resolve()
        found = {path.name: path for path in arguments.binaries.glob("*") if path.is_file()}
        found |= {path.parent.name: path for path in arguments.binaries.glob("*/bootstrap")}
        executables = found | {"roster": executables["roster"]}
    wanted = set(arguments.names)
    cases = [case for case in CASES if not wanted or wanted & names_of(case[0])]
    if unknown := wanted.difference(*(names_of(case[0]) for case in cases)):
        sys.exit(f"no event for {', '.join(sorted(unknown))}")
    missing = {function_of(case[0]) for case in cases} - executables.keys()
    if missing:
        sys.exit(f"not built: {', '.join(sorted(missing))}")
    forgotten = {path.stem for path in (ROOT / "events").glob("*.json")} - {case[0] for case in CASES}
    if forgotten:
        sys.exit(f"no case for {', '.join(sorted(forgotten))}")
    under = shlex.split(arguments.under)
    if under:  # The emulator wants the whole path.
        under[0] = shutil.which(under[0]) or sys.exit(f"{under[0]} is not installed")
    how = {"rie": functools.partial(rie, under), "sam": sam}[arguments.how]
    answers = how(executables["roster"], executables, cases)
    contract, failed = Contract(ROOT), 0
    try:
        for event, expected, answer in answers:
            if problem := contract.problem(event, expected, answer):
                failed += 1
                print(f"{event}: {problem}: {json.dumps(answer)}")
    except Skipped as reason:
        print(f"skipped: {reason}")
        return
    print(f"{len(cases) - failed} of {len(cases)} events are answered as expected")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
