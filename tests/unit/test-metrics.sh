#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What a real ballastd answers to a scrape is what Prometheus' own tools want, and the alert rules and the dashboard name nothing that is not in it.
set -u
srcdir=${srcdir:-.} builddir=${builddir:-build}
rules=$srcdir/etc/prometheus/ballast.rules.yml dashboard=$srcdir/etc/grafana/ballast.json
ctl=$builddir/ballastctl
n=0 failed=0
result() { # CODE TEXT
	n=$((n + 1))
	[ "$1" = 0 ] && echo "ok $n - $2" || { echo "not ok $n - $2"; failed=1; sed 's/^/# /' "$tmp/out" 2>/dev/null | head -n 20; }
}
skip() { # TEXT REASON
	n=$((n + 1))
	echo "ok $n - $1 # SKIP $2"
}
tmp=$(mktemp -d) || exit 1
pids=()
trap 'for p in "${pids[@]}"; do kill "$p"; wait "$p"; done 2>/dev/null; rm -rf "$tmp"' EXIT
until_true() { # COMMAND...: 20 s at most
	for _ in $(seq 200); do
		"$@" && return 0
		sleep 0.1
	done
	return 1
}
scrape() { # FILE [OPTION...]
	local to=$1
	shift
	curl -sf --max-time 10 --unix-socket "$tmp/s" "$@" http://localhost/metrics >"$to" 2>"$tmp/out"
}
heard() { scrape "$tmp/scrape" && grep -q '^ballast_guest_memory_used_bytes{domain="web1"' "$tmp/scrape"; }

# web1 has an agent and can be moved; the other one has a name that would break a careless writer.
cat >"$tmp/node.xml" <<END
<node>
<domain type='test'><name>web1</name><uuid>aaaaaaaa-0000-4000-8000-000000000001</uuid>
<memory unit='MiB'>64</memory><currentMemory unit='MiB'>32</currentMemory><vcpu>1</vcpu><os><type>hvm</type></os>
<devices><memballoon model='virtio' autodeflate='on'/>
<channel type='unix'><source mode='bind' path='$tmp/agent-0'/><target type='virtio' name='org.ballast.agent.0'/></channel></devices></domain>
<domain type='test'><name>o'"d \\n {} 1</name><uuid>aaaaaaaa-0000-4000-8000-000000000002</uuid>
<memory unit='MiB'>64</memory><currentMemory unit='MiB'>32</currentMemory><vcpu>1</vcpu><os><type>hvm</type></os>
<devices><memballoon model='virtio'/></devices></domain>
</node>
END
mkdir "$tmp/policy"
printf '[Memory]\nMin=16M\n' >"$tmp/policy/10-all.policy"
printf '[Memory]\nMni=16M\n' >"$tmp/policy/20-bad.policy"
read -r port other < <(python3 -c 'import socket
two = [socket.socket(), socket.socket()]
for s in two:
    s.bind(("127.0.0.1", 0))
print(*(s.getsockname()[1] for s in two))')
printf '[Daemon]\nUri=test://%s/node.xml\nStateDirectory=%s/state\nPolicyPath=%s/policy\n[API]\nSocket=%s/s\nListen=127.0.0.1:%s\nLoopbackWithoutTls=yes\nTokens=%s/tokens\n' \
	"$tmp" "$tmp" "$tmp" "$tmp" "$port" "$tmp" >"$tmp/b.conf"
printf %s "bst_$(head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n')" >"$tmp/secret"
(umask 077 && echo "prometheus read $(sha256sum <"$tmp/secret" | cut -d' ' -f1)" >"$tmp/tokens")
"$builddir/bench/fake-agents" --path="$tmp/agent-%d" --count=1 --total-mib=32 >"$tmp/agents" 2>&1 &
pids+=($!)
until_true grep -q ready "$tmp/agents"
DRIVER_SHIM=$tmp LD_PRELOAD=$builddir/tests/unit/driver-shim.so ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0 \
	"$builddir/daemon/ballastd" --foreground --config="$tmp/b.conf" 2>"$tmp/out" &
pids+=($!)
until_true heard
result $? "a scrape has what the agent of a guest said"
"$ctl" --socket="$tmp/s" mode enforce >/dev/null 2>&1
"$ctl" --socket="$tmp/s" guest set web1 --min 48M >/dev/null 2>&1
commanded() { scrape "$tmp/scrape" && grep -q '^ballast_commands_total{command="set-memory",outcome="ok"} [1-9]' "$tmp/scrape"; }
until_true commanded
result $? "a command that was carried out is counted"
grep -q '^ballast_mode{mode="enforce"} 1$' "$tmp/scrape" && grep -q '^ballast_problem{code="policy-bad"} 1$' "$tmp/scrape"
result $? "mode and problems are told"
busy() { scrape "$tmp/scrape" && grep -q "^ballast_host_cpu_busy_ratio " "$tmp/scrape"; }
until_true busy # two looks at the host
scrape "$tmp/open" -H 'Accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5'
result $? "it is answered as OpenMetrics too"

if command -v promtool >/dev/null; then
	promtool check metrics <"$tmp/scrape" >"$tmp/out" 2>&1 && [ ! -s "$tmp/out" ]
	result $? "promtool finds nothing to say about the scrape"
	promtool check rules "$rules" >"$tmp/out" 2>&1
	result $? "promtool takes the alert rules"
	promtool test rules "$srcdir/tests/prometheus/ballast.rules.test.yml" >"$tmp/out" 2>&1
	result $? "each alert fires when it should"
	python3 "$srcdir/tests/prometheus/dashboard.py" rules "$dashboard" >"$tmp/queries.yml" && promtool check rules "$tmp/queries.yml" >"$tmp/out" 2>&1
	result $? "promtool takes the dashboard's queries"
else
	skip "promtool takes scrape, rules and queries" "no promtool: install the package prometheus"
fi
python=/usr/bin/python3 # the packages' own
if "$python" -c 'import prometheus_client.openmetrics' 2>/dev/null; then
	"$python" - "$tmp/open" >"$tmp/out" 2>&1 <<'END'
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
families = {f.name: f for f in text_string_to_metric_families(open(sys.argv[1], encoding="utf-8").read())}
domains = {s.labels["domain"] for s in families["ballast_guest_running"].samples}
assert domains == {"web1", "o'\"d \\n {} 1"}, domains
END
	result $? "a strict parser reads the OpenMetrics form, and the names of guests in it"
else
	skip "a strict parser reads the OpenMetrics form" "install the package python3-prometheus-client"
fi

# --- Prometheus itself, with a token of role read over loopback ---
prometheus_says() { # QUERY PATTERN
	curl -s --max-time 5 --data-urlencode "query=$1" "http://127.0.0.1:$other/api/v1/query" >"$tmp/out" && grep -q "$2" "$tmp/out"
}
if command -v prometheus >/dev/null; then
	cat >"$tmp/prometheus.yml" <<END
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [$(realpath "$rules")]
scrape_configs:
  - job_name: ballast
    authorization: {credentials_file: $tmp/secret}
    static_configs: [{targets: ["127.0.0.1:$port"]}]
END
	prometheus --config.file="$tmp/prometheus.yml" --storage.tsdb.path="$tmp/tsdb" --web.listen-address="127.0.0.1:$other" >"$tmp/prometheus" 2>&1 &
	pids+=($!)
	until_true prometheus_says 'up{job="ballast"}' '"1"\]'
	result $? "Prometheus scrapes it with a token of role read"
	until_true prometheus_says 'ballast_guest_memory_actual_bytes{domain="web1"} > 0' '"domain":"web1"'
	result $? "... and knows guests by their domain"
	until_true prometheus_says 'ALERTS{alertname="BallastPolicyBad"}' '"alertstate":"pending"'
	result $? "... and an alert of the rules begins when a policy is bad"
else
	skip "Prometheus scrapes it" "no prometheus: install the package prometheus"
fi

# --- What rules and dashboard name is there ---
untested=0
for alert in $(sed -n 's/^ *- alert: //p' "$rules"); do
	grep -q "alertname: $alert\$" "$srcdir/tests/prometheus/ballast.rules.test.yml" || { untested=1; echo "# $alert"; }
done
result $untested "each alert has a test that it fires"
grep -v '^#' "$tmp/scrape" | sed 's/[{ ].*//' | sort -u >"$tmp/names"
# What the test driver's guests, which have no process, cannot show. A guest of QEMU's can: tests/lab/test-daemon-guests.sh looks.
cat >>"$tmp/names" <<'END'
ballast_guest_vcpu_time_seconds_total
ballast_guest_vcpu_delay_seconds_total
END
[ -e /proc/pressure/memory ] || sed 's/^ballast_guest_pressure_/ballast_host_pressure_/' "$tmp/names" | grep '^ballast_host_pressure_' >>"$tmp/names"
named() { # FILE: every metric that it names
	grep -oE '\b(ballast|process)_[a-z0-9_]+' "$1" | sort -u
}
missing() { # FILE
	named "$1" | grep -vxFf "$tmp/names" >"$tmp/out"
	[ ! -s "$tmp/out" ]
}
sed -n '/expr:/p' "$rules" >"$tmp/exprs"
[ "$(named "$tmp/exprs" | wc -l)" -ge 15 ] && missing "$tmp/exprs"
result $? "every metric that the rules name is in the scrape"
grep -E '"(expr|query|definition)":' "$dashboard" >"$tmp/exprs"
[ "$(named "$tmp/exprs" | wc -l)" -ge 40 ] && missing "$tmp/exprs"
result $? "every metric that the dashboard names is in the scrape"
python3 "$srcdir/tests/prometheus/dashboard.py" check "$dashboard" >"$tmp/out" 2>&1
result $? "the dashboard can be imported: data source, ids, layout, variables"

# --- The command that helps is one ---
unknown=0
while read -r words; do
	"$ctl" $words --help >/dev/null 2>&1 || { unknown=1; echo "# ballastctl $words"; }
done < <(grep -oE 'ballastctl [a-z]+( [a-z]+)?' "$rules" | cut -d' ' -f2- | sort -u)
result $unknown "ballastctl knows the commands that the alerts name"
echo "1..$n"
exit $failed
