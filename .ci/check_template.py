"""Holds template.yaml, and what documents say of its parameters, against rules that no linter knows.

- Once SAM has transformed it, it has few enough resources, also with everything switched on.
- Every alarm tells somebody, and belongs to this stack; every queue of dead letters and every table is watched.
- Every metric of the stack's own that an alarm or the dashboard looks at is counted by a filter or a function.
- The dashboard is JSON, and consoles show every parameter in one group.
- Pages of other origins may send each header that the API reads, and read each header that it answers with.
- Every `--parameter-overrides` in a document, and in samconfig.toml, means to SAM what it says.
"""

import json
import logging
import pathlib
import re
import shlex
import tomllib

import yaml
from samcli.cli.types import CfnParameterOverridesType
from samcli.yamlhelper import yaml_parse
from samtranslator.translator.transform import transform

# CloudFormation allows 500; what is left is for a team's own additions.
MAX_RESOURCES = 450

# Metrics that the expression of an alarm may use (CloudWatch quotas).
MAX_METRICS = 10

# Of each stack, so that one of an account does not ring the alarms of another.
OWN_NAMESPACE = {"Fn::Sub": "Roster/${AWS::StackName}"}

# Headers of answers which scripts of other origins may always read (Fetch standard).
SAFELISTED = {"cache-control", "content-language", "content-length", "content-type", "expires", "last-modified", "pragma"}

DOCUMENTS = [pathlib.Path("README.md"), *sorted(pathlib.Path("docs").glob("*.md"))]


def check():
    template = yaml_parse(pathlib.Path("template.yaml").read_text())
    return [
        *check_resources(template),
        *check_alarms(template["Resources"]),
        *check_dashboard(template["Resources"]["Dashboard"]),
        *check_metrics(template["Resources"]),
        *check_groups(template),
        *check_cors(template["Resources"]["Api"]["Properties"]["CorsConfiguration"]),
        *check_overrides(template["Parameters"]),
    ]


def check_resources(template):
    # SAM says for each deployment group that nobody toggled a feature.
    logging.getLogger("samtranslator.feature_toggle.feature_toggle").setLevel(logging.ERROR)
    template = json.loads(json.dumps(template))
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            # SAM transforms what `sam package` has uploaded.
            resource["Properties"]["CodeUri"] = "s3://bucket/key"
    parameters = {name: str(each.get("Default", "")) for name, each in template["Parameters"].items()}
    # What SAM itself looks at; CloudFormation counts resources whose condition does not hold, too.
    parameters |= {"Tracing": "Active", "Deployment": "Canary10Percent5Minutes"}
    number = len(transform(template, parameters, NoPoliciesOfAws())["Resources"])
    print(f"template.yaml: {number} resources after the transform")
    if number >= MAX_RESOURCES:
        yield f"template.yaml: {number} resources, {MAX_RESOURCES} are too many"


class NoPoliciesOfAws:
    """SAM asks AWS for the names of its managed policies; Roster uses only its own."""

    def load(self):
        return {}


def check_alarms(resources):
    of_type = lambda kind: {name: each for name, each in resources.items() if each["Type"] == kind}
    watched = []
    for name, alarm in of_type("AWS::CloudWatch::Alarm").items():
        properties = alarm["Properties"]
        for action in ("AlarmActions", "OKActions"):
            if not properties.get(action):
                yield f"{name}: has no {action}, so it tells nobody"
        metrics = [each["MetricStat"]["Metric"] for each in properties.get("Metrics", []) if "MetricStat" in each]
        if len(metrics) > MAX_METRICS:
            yield f"{name}: an expression takes {MAX_METRICS} metrics"
        for metric in metrics or [properties]:
            watched += ((metric["MetricName"], json.dumps(each["Value"])) for each in metric.get("Dimensions", []))
    for queue in of_type("AWS::SQS::Queue"):
        metric = ("ApproximateNumberOfMessagesVisible", json.dumps({"Fn::GetAtt": [queue, "QueueName"]}))
        if queue.endswith("Failures") and watched.count(metric) != 1:
            yield f"{queue}: {watched.count(metric)} alarms watch it"
    for table in of_type("AWS::DynamoDB::Table"):
        for metric in ("ReadThrottleEvents", "WriteThrottleEvents"):
            if (metric, json.dumps({"Ref": table})) not in watched:
                yield f"{table}: no alarm watches its {metric}"


def check_dashboard(dashboard):
    body = dashboard["Properties"]["DashboardBody"]["Fn::Sub"]
    try:
        json.loads(body)
    except ValueError as error:
        yield f"Dashboard: {error}"


def check_metrics(resources):
    """Where metrics of the stack's own are looked at, and where they are counted."""
    sources = [path.read_text() for folder in ("functions", "shared") for path in pathlib.Path(folder).rglob("src/**/*.rs")]
    counted = set()

    def walk(node, place):
        if isinstance(node, dict):
            name, namespace = node.get("MetricName"), node.get("Namespace", node.get("MetricNamespace"))
            if name and "Roster" in str(namespace):
                if namespace != OWN_NAMESPACE:
                    yield f"{place}: the namespace of the stack is {OWN_NAMESPACE['Fn::Sub']}"
                if "MetricNamespace" in node:
                    counted.add(name)
                else:
                    looked_at.append((place, name))
            for value in node.values():
                yield from walk(value, place)
        elif isinstance(node, list):
            for value in node:
                yield from walk(value, place)

    body = resources["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    looked_at = [("Dashboard", name) for name in re.findall(f'"{re.escape(OWN_NAMESPACE["Fn::Sub"])}", "(\\w+)"', body)]
    for place, resource in resources.items():
        yield from walk(resource.get("Properties"), place)
    for place, name in looked_at:
        if name not in counted and not any(f'"{name}"' in source for source in sources):
            yield f"{place}: nobody counts {name}"


def check_groups(template):
    groups = template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    grouped = [name for group in groups for name in group["Parameters"]]
    for name in {*template["Parameters"], *grouped}:
        if grouped.count(name) != 1 or name not in template["Parameters"]:
            yield f"{name}: is in {grouped.count(name)} groups of parameters"


def check_cors(cors):
    contract = yaml.safe_load(pathlib.Path("openapi.yaml").read_text())
    sent, answered = {"authorization", "content-type"}, set()

    def walk(node):
        if isinstance(node, dict):
            if node.get("in") == "header" and isinstance(node.get("name"), str):
                sent.add(node["name"].lower())
            if "content" in node or "description" in node:
                headers = node.get("headers")
                answered.update(name.lower() for name in headers or {})
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(contract)
    # What proxies send for others is no page's.
    sent = {name for name in sent if not name.startswith("roster-") and name != "cloudfront-viewer-address"}
    for wanted, name in ((sent, "AllowHeaders"), (answered - SAFELISTED, "ExposeHeaders")):
        if missing := wanted - set(cors[name]):
            yield f"CorsConfiguration.{name} lacks {', '.join(sorted(missing))}"
    methods = {method.upper() for item in contract["paths"].values() for method in item if method != "parameters"}
    if missing := methods - set(cors["AllowMethods"]):
        yield f"CorsConfiguration.AllowMethods lacks {', '.join(sorted(missing))}"


def check_overrides(declared):
    found = 0
    for place, words in [*in_documents(), *in_samconfig()]:
        found += 1
        try:
            values = CfnParameterOverridesType().convert(tuple(words), None, None)
        except Exception as error:  # click's own, and whatever a parser throws
            yield f"{place}: {error}"
            continue
        for name, value in values.items():
            yield from (f"{place}: {name}: {problem}" for problem in wrong(declared.get(name), value))
    print(f"{found} --parameter-overrides in documents and samconfig.toml")
    if not found:
        yield "no --parameter-overrides was found: the search is wrong"


def wrong(parameter, value):
    if parameter is None:
        yield "the template has no such parameter"
        return
    allowed = [str(each) for each in parameter.get("AllowedValues", [])]
    if allowed and value not in allowed:
        yield f"`{value}` is not one of {', '.join(allowed)}"
    # CloudFormation matches the whole value.
    if not re.fullmatch(parameter.get("AllowedPattern", "[\\s\\S]*"), value):
        yield f"`{value}` does not match {parameter['AllowedPattern']}"


def in_documents():
    """The words after each `--parameter-overrides` of a command in a document, as a shell gives them to SAM."""
    for path in DOCUMENTS:
        text = path.read_text().replace("\\\n", " ")
        for line in text.splitlines():
            if "--parameter-overrides" not in line or "NAME=value" in line:
                continue
            words = shlex.split(line.strip().removeprefix("$ "))
            words = words[words.index("--parameter-overrides") + 1 :]
            ends = (index for index, word in enumerate(words) if word.startswith("--"))
            # `…` stands for others.
            yield str(path), [word for word in words[: next(ends, len(words))] if word != "…"]


def in_samconfig():
    config = tomllib.loads(pathlib.Path("samconfig.toml").read_text())
    for environment, commands in config.items():
        for command, section in commands.items() if isinstance(commands, dict) else ():
            if overrides := section.get("parameters", {}).get("parameter_overrides"):
                overrides = [overrides] if isinstance(overrides, str) else overrides
                yield f"samconfig.toml: {environment}.{command}", overrides
