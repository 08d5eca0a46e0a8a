#!/usr/bin/env bash
# Walks the life of a user through a deployment, and looks at what only AWS can show.
#
#   scripts/smoke.sh roster-smoke-1 --mail-from ADDRESS [--mail ADDRESS]
#       Deploys what `sam build` has built as a stack of that name, walks, checks alarms, policies and latencies,
#       and removes the stack with its tables, whatever became of the checks. Costs some cents. The name must begin
#       with roster-smoke, so that nobody removes another stack. ADDRESS after --mail is a mailbox that you read: the
#       script asks for the link in each mail. Without it, what takes a link is left out.
#   scripts/smoke.sh --api URL [--console URL]
#       Walks through something that runs, such as `cargo local`; its console has the links.
#
# Needs curl and jq; for AWS also sam and aws, with credentials that may do all that.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

stack='' api='' console='' mail_from='' mail=''
usage() {
    sed -n '2,/^set /{/^set /!p}' "${BASH_SOURCE[0]}" | sed 's/^# \{0,1\}//' >&2
    exit 2
}
while (($#)); do
    case $1 in
        --api) api=${2%/} ;;
        --console) console=${2%/} ;;
        --mail-from) mail_from=$2 ;;
        --mail) mail=$2 ;;
        roster-smoke*) stack=$1 && set -- '' "$@" ;;
        *) usage ;;
    esac
    shift 2 || usage
done
if [[ -n $stack ]]; then [[ -n $mail_from && -z $api ]] || usage; else [[ -n $api ]] || usage; fi

readonly PASSWORD='kestrel over the pine' NEW_PASSWORD='seven purple kites aloft'
run=$(date +%s)-$$
address=${mail:-ann-$run@example.com}
work=$(mktemp -d)
failures=0

say() { printf '%s\n' "$*"; }

# One check: what is compared, what was found, what is right.
expect() {
    if [[ $2 == "$3" ]]; then
        say "  ok    $1"
    else
        say "  FAIL  $1: $2 instead of $3"
        failures=$((failures + 1))
    fi
}

# ── A client. `call METHOD PATH [BODY [HEADER]…]` sets status, milliseconds and the files body and headers.
token=''
call() {
    local method=$1 path=$2 body=${3:-} each
    local arguments=(--silent --show-error --max-time 40 --request "$method" --dump-header "$work/headers"
        --output "$work/body" --write-out '%{http_code} %{time_total}')
    if [[ -n $body ]]; then arguments+=(--header 'content-type: application/json' --data "$body"); fi
    if [[ -n $token ]]; then arguments+=(--header "authorization: Bearer $token"); fi
    for each in "${@:4}"; do arguments+=(--header "$each"); done
    read -r status milliseconds < <(curl "${arguments[@]}" "$api$path" && echo)
    milliseconds=$(jq -n "$milliseconds * 1000 | round")
}
of_body() { jq -r "$1 // empty" "$work/body"; }
header() { tr -d '\r' <"$work/headers" | awk -v name="$1" 'tolower($1) == name ":" { $1 = ""; print substr($0, 2) }'; }

# The token of the newest link to a page that came after the one before; empty if there is no way to read mails.
link=''
read_link() {
    local page=$1 before=$link
    if [[ -n $console ]]; then
        for _ in {1..100}; do
            link=$(curl --silent "$console/api/inbox" | jq -r --arg to "$address" --arg page "$page" \
                '[.[].mail | select(.to | index($to)) | .text // "" | capture("/" + $page + "#token=(?<token>[^&\\s]+)").token] | last // empty')
            if [[ -n $link && $link != "$before" ]]; then return; fi
            sleep 0.2
        done
        link=''
    elif [[ -n $mail ]]; then
        read -r -p "  the part after #token= of the link to /$page in the newest mail to $mail: " link </dev/tty
    else
        link=''
    fi
}

# ── The life of a user.
walk() {
    say "walking through $api"
    local id first refresh email body
    call GET /health
    expect 'the API is healthy' "$status" 200
    call GET /.well-known/openid-configuration
    expect 'discovery answers' "$status" 200
    call GET /.well-known/jwks.json
    expect 'the keys are published' "$status" 200

    email=$(jq -n --arg email "$address" '$email')
    body="{\"email\": $email, \"name\": \"Ann Example\", \"password\": \"$PASSWORD\"}"
    call POST /users "$body" "idempotency-key: smoke-$run"
    expect 'a sign-up makes a user' "$status" 201
    say "        cold: $milliseconds ms"
    id=$(of_body .id)
    call POST /users "$body" "idempotency-key: smoke-$run"
    expect 'the same request again is the same user' "$status $(of_body .id)" "201 $id"
    call POST /users "$body"
    expect 'a taken address is told' "$status $(of_body .code)" '409 email-taken'
    call POST /users '{"email": "x"}'
    expect 'every wrong field is told' "$status $(of_body '.errors | length')" '422 3'

    call POST /sessions "{\"email\": $email, \"password\": \"wrong\"}"
    expect 'a wrong password opens nothing' "$status $(of_body .code)" '401 invalid-credentials'
    say "        cold: $milliseconds ms"
    call POST /sessions "{\"email\": $email, \"password\": \"$PASSWORD\"}"
    expect 'the right one does' "$status" 201
    token=$(of_body .accessToken) refresh=$(of_body .refreshToken)
    call GET /users/me
    expect 'the user sees the own account' "$status $(of_body .id)" "200 $id"
    say "        cold: $milliseconds ms"
    first=$(header etag)
    call GET /users/me '' "if-none-match: $first"
    expect 'nothing new is not sent again' "$status" 304
    call PATCH /users/me '{"name": "Ann Other"}' "if-match: $first"
    expect 'a name is changed' "$status $(of_body .name)" '200 Ann Other'
    call PATCH /users/me '{"name": "Ann Third"}' "if-match: $first"
    expect 'a change over another is refused' "$status" 412
    call GET /users
    expect 'the directory is for staff' "$status $(of_body .code)" '403 forbidden'

    call POST /sessions/refresh "{\"refreshToken\": \"$refresh\"}"
    expect 'a session is refreshed' "$status" 200
    token=$(of_body .accessToken)
    call GET /users/me/sessions
    expect 'sessions are listed' "$status" 200
    call GET /users/me/export
    expect 'a user takes everything along' "$status" 200
    walk_by_links "$email"

    call DELETE /users/me '' "idempotency-key: smoke-erase-$run"
    expect 'a user is erased' "$status" 204
    token=''
    call POST /sessions "{\"email\": $email, \"password\": \"$NEW_PASSWORD\"}"
    expect 'nobody is left to sign in' "$status" 401
}

# What takes a mailed link; without one, the password changes by the old one.
walk_by_links() {
    local email=$1
    read_link verify
    if [[ -z $link ]]; then
        say '  left out: links in mails'
        call PUT /users/me/password "{\"currentPassword\": \"$PASSWORD\", \"newPassword\": \"$NEW_PASSWORD\"}"
        expect 'a password is changed' "$status" 200
    else
        call PUT /email-verifications "{\"token\": \"$link\"}"
        expect 'an address is proven' "$status" 204
        call POST /password-resets "{\"email\": $email}"
        expect 'a reset is asked for' "$status" 202
        read_link reset
        token=''
        call PUT /password-resets "{\"token\": \"$link\", \"newPassword\": \"$NEW_PASSWORD\"}"
        expect 'a password is reset' "$status" 200
    fi
    call POST /sessions "{\"email\": $email, \"password\": \"$PASSWORD\"}"
    expect 'the old password opens nothing' "$status" 401
    token=''
    call POST /sessions "{\"email\": $email, \"password\": \"$NEW_PASSWORD\"}"
    expect 'the new one does' "$status" 201
    token=$(of_body .accessToken)
}

# `latency NAME METHOD PATH [BODY]`: of twenty calls of a function that is warm by now.
latency() {
    local name=$1 all=()
    shift
    for _ in {1..20}; do
        call "$@"
        all+=("$milliseconds")
    done
    printf '%s\n' "${all[@]}" | sort -n |
        awk -v name="$name" '{ v[NR] = $1 } END { printf "  %s, warm: p50 %d ms, p95 %d ms\n", name, v[10], v[19] }'
}

latencies() {
    local bystander="by-$run@example.com"
    say 'latencies, from here'
    call POST /users "{\"email\": \"$bystander\", \"name\": \"By Stander\", \"password\": \"$PASSWORD\"}"
    latency 'health' GET /health
    latency 'sign-in' POST /sessions "{\"email\": \"$bystander\", \"password\": \"$PASSWORD\"}"
    token=$(of_body .accessToken)
    latency 'own account' GET /users/me
    call DELETE /users/me
    token=''
}

# ── AWS.
output() {
    aws cloudformation describe-stacks --stack-name "$stack" --output text \
        --query "Stacks[0].Outputs[?OutputKey=='$1'].OutputValue"
}
resource() {
    aws cloudformation describe-stack-resource --stack-name "$stack" --logical-resource-id "$1" --output text \
        --query StackResourceDetail.PhysicalResourceId
}

deploy() {
    say "deploying $stack"
    sam deploy --stack-name "$stack" --resolve-s3 --s3-prefix "$stack" --capabilities CAPABILITY_IAM \
        --no-confirm-changeset --no-fail-on-empty-changeset --tags app=roster environment=smoke \
        --parameter-overrides "MailFrom=$mail_from" AppUrl=https://example.com SignInsPerUser=1000 MailIntervalSeconds=0
    api=$(output ApiUrl)
}

# What IAM itself says: `may FUNCTION ACTION TABLE KEY allowed|implicitDeny`.
may() {
    local role found
    role=$(aws lambda get-function-configuration --function-name "$(resource "$1")" --query Role --output text)
    found=$(aws iam simulate-principal-policy --policy-source-arn "$role" --action-names "dynamodb:$2" \
        --resource-arns "$(aws dynamodb describe-table --table-name "$(resource "$3")" --query Table.TableArn --output text)" \
        --context-entries "ContextKeyName=dynamodb:LeadingKeys,ContextKeyType=stringList,ContextKeyValues=$4" \
        --query 'EvaluationResults[0].EvalDecision' --output text)
    expect "$1: $2 of $4 in $3" "$found" "$5"
}

policies() {
    say 'policies, by the simulator of IAM'
    may GetUser GetItem UsersTable 'USER#1' allowed
    may GetUser GetItem UsersTable 'LOGIN#email#1' implicitDeny
    may GetUser PutItem UsersTable 'USER#1' implicitDeny
    may GetUser GetItem KeysTable PUBLIC allowed
    may GetUser GetItem KeysTable PRIVATE implicitDeny
    may Authenticate GetItem KeysTable PRIVATE allowed
    may Authenticate DeleteItem AuditTable '2026-01-01' implicitDeny
    may RecordAudit PutItem AuditTable '2026-01-01' allowed
    may ListUsers GetItem UsersTable 'LOGIN#email#1' implicitDeny
    local function
    for function in Authenticate CreateUser GetUser ListUsers PublishEvents RecordAudit; do
        may "$function" Scan UsersTable 'USER#1' implicitDeny
    done
}

alarms() {
    say 'alarms'
    local name count
    for name in $(aws cloudwatch describe-alarms --alarm-name-prefix "$stack-" --query 'MetricAlarms[].AlarmName' --output text); do
        expect "$name" "$(aws cloudwatch describe-alarms --alarm-names "$name" --output text \
            --query 'MetricAlarms[0].StateValue' | sed s/INSUFFICIENT_DATA/OK/)" OK
    done
    name=$(resource MailBrake)
    aws cloudwatch set-alarm-state --alarm-name "$name" --state-value ALARM --state-reason 'scripts/smoke.sh'
    for _ in {1..30}; do
        count=$(aws cloudwatch describe-alarm-history --alarm-name "$name" --history-item-type Action \
            --query "length(AlarmHistoryItems[?contains(HistorySummary, 'Successfully executed')])" --output text)
        if ((count > 0)); then break; fi
        sleep 2
    done
    expect 'an alarm reaches its topic' "$((count > 0))" 1
    say 'dead letters and errors'
    local queue
    while read -r queue; do
        count=$(aws sqs get-queue-attributes --queue-url "$queue" --attribute-names ApproximateNumberOfMessages \
            --query Attributes.ApproximateNumberOfMessages --output text)
        expect "${queue##*/} is empty" "$count" 0
    done < <(aws cloudformation list-stack-resources --stack-name "$stack" --output text \
        --query "StackResourceSummaries[?ResourceType=='AWS::SQS::Queue'].PhysicalResourceId" | tr '\t' '\n')
    count=$(aws logs filter-log-events --log-group-name "$(output LogGroupName)" --filter-pattern '{ $.level = "ERROR" }' \
        --query 'length(events)' --output text)
    expect 'the log has no error' "$count" 0
}

# Tables outlive their stack, and two of them are protected.
remove() {
    local table tables
    say "removing $stack"
    tables=$(aws cloudformation list-stack-resources --stack-name "$stack" --output text \
        --query "StackResourceSummaries[?ResourceType=='AWS::DynamoDB::Table'].PhysicalResourceId") || return 0
    sam delete --stack-name "$stack" --no-prompts || failures=$((failures + 1))
    for table in $tables; do
        # A stack that was deleted whole took some along.
        aws dynamodb update-table --table-name "$table" --no-deletion-protection-enabled >/dev/null 2>&1 || continue
        aws dynamodb wait table-exists --table-name "$table"
        aws dynamodb delete-table --table-name "$table" >/dev/null
    done
}

finish() {
    if [[ -n $stack ]]; then remove; fi
    rm -rf "$work"
}
trap finish EXIT

if [[ -n $stack ]]; then deploy; fi
walk
latencies
if [[ -n $stack ]]; then
    policies
    alarms
fi
say "$failures failed"
((failures == 0))
