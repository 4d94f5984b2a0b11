#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Prometheus on another machine scrapes the installed ballastd over TLS, as ballast-metrics(7) sets it up, while real guests compete: every figure that
# the dashboard and the alert rules name is there, every line of the dashboard has something to draw, and an alert fires. With BALLAST_TEST_SLOW=1 also
# the one of a libvirtd that is stopped, which takes its two minutes.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/daemon.sh"

for tool in openssl curl ip jq prometheus promtool; do
	command -v $tool >/dev/null || tap_skip_all "$tool is not installed: scripts/deps"
done
certificates=$TEST_TMP/certificates
mkdir "$certificates"
. "$TEST_TOP/tests/fixture/certificates.sh"
rules=$TEST_TOP/etc/prometheus/ballast.rules.yml dashboard=$TEST_TOP/etc/grafana/ballast.json
lab_up 1
SWITCH=$LAB_DIR/net/switch
nsenter --net="$SWITCH" ip addr add 10.79.0.254/24 dev br0
prometheus_pid=
trap 'code=$?; [ -z "$prometheus_pid" ] || { kill "$prometheus_pid"; wait "$prometheus_pid"; } 2>/dev/null; (exit $code); test_cleanup' EXIT

# --- A host where much happens ---
lab guest web --max 512M --memory 256M --swap disk:256M --no-wait >"$TEST_TMP/guest" 2>&1 || tap_say <"$TEST_TMP/guest"
lab guest idle --max 512M --memory 384M --swap disk:128M --no-wait >"$TEST_TMP/guest" 2>&1 || tap_say <"$TEST_TMP/guest"
lab guest huge --max 64G --no-balloon --no-start >"$TEST_TMP/guest" 2>&1 || tap_say <"$TEST_TMP/guest"
authority ca
certificate h1 ca h1 serverAuth 20 DNS:h1 IP:10.79.0.1
lab in h1 sh -c 'umask 027; cat >/etc/ballast/api.crt' <"$certificates/h1.crt"
lab in h1 sh -c 'umask 027; cat >/etc/ballast/api.key; chgrp ballast /etc/ballast/api.*' <"$certificates/h1.key"
lab in h1 sh -c 'mkdir -p /etc/ballast/ballast.conf.d; cat >/etc/ballast/ballast.conf.d/50-network.conf' <<-END
	[API]
	Listen=0.0.0.0:8006
	Certificate=/etc/ballast/api.crt
	Key=/etc/ballast/api.key
END
(umask 077 && lab in h1 ballastctl token new prometheus --role read 2>/dev/null >"$certificates/ballast.token")
tap_ok "ballastd serves TLS" lab in h1 systemctl restart ballastd
tap_ok "one guest is heard" wait_until 60 reported web
tap_ok "the other one, too" wait_until 60 reported idle

# --- Prometheus, by the page ---
sed -n '/^scrape_configs:/,/^\.RE/p' "$TEST_TOP/man/ballast-metrics.7" | sed '/^\.RE/d; s/\\-/-/g' >"$TEST_TMP/page"
tap_ok "ballast-metrics(7) says how to scrape" grep -q 'scheme: https' "$TEST_TMP/page"
{
	echo "global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}"
	echo "rule_files: [$(realpath "$rules")]"
	sed -e "s,/etc/prometheus/ballast.token,$certificates/ballast.token," -e "s,/etc/prometheus/ballast-ca.pem,$certificates/ca.crt," \
		-e 's,host1\.example\.org,10.79.0.1,' "$TEST_TMP/page"
} >"$TEST_TMP/prometheus.yml"
tap_ok "promtool takes that" promtool check config "$TEST_TMP/prometheus.yml"
nsenter --net="$SWITCH" prometheus --config.file="$TEST_TMP/prometheus.yml" --storage.tsdb.path="$TEST_TMP/tsdb" \
	--web.listen-address=127.0.0.1:9090 >"$TEST_TMP/prometheus.log" 2>&1 </dev/null &
prometheus_pid=$!
ask() { # QUERY: the values, a line each
	nsenter --net="$SWITCH" curl -s --max-time 10 --data-urlencode "query=$1" http://127.0.0.1:9090/api/v1/query | jq -r '.data.result[].value[1]'
}
says() { # QUERY: it has a sample
	ask "$1" | grep -q .
}
tap_ok "Prometheus scrapes it over TLS with the token" wait_until 30 says 'up{job="ballast"} == 1'

# --- What happens ---
overhead=$(api GET hosts/self | jq -r .memory.overhead)
lab in h1 sh -c 'mkdir -p /etc/ballast/policy.d; cat >/etc/ballast/policy.d/00-host.policy' <<-END
	[Host]
	Memory=$((700 + overhead / 1048576))M
	Reserve=16M
END
lab in h1 sh -c 'cat >/etc/ballast/policy.d/10-web.policy' <<-END
	[Match]
	Guest=web
	[Memory]
	Min=128M
	Max=480M
	Weight=400
	[CPU]
	Weight=400
	Quota=150%
END
enforce
ctl reload >"$TEST_TMP/reload" 2>&1
lab in h1 sh -c 'printf "[Memory]\nMni=16M\n" >/etc/ballast/policy.d/99-bad.policy; ballastctl reload >/dev/null 2>&1; true'
lab run -d web load mem 300M --hold 90 --touch >/dev/null
tap_ok "a guest was given memory" wait_until 30 says 'ballast_commands_total{command="set-memory",outcome="ok"} > 0'
tap_ok "its CPU weight is the policy's" wait_until 30 says 'ballast_guest_cpu_weight{domain="web"} == 400'
tap_ok "its quota is there" wait_until 30 says 'ballast_guest_cpu_quota_ratio{domain="web"} == 1.5'
tap_ok "a problem is told" wait_until 30 says 'ballast_problem{code="policy-bad"} == 1'
tap_ok "an alert waits for it to last" wait_until 30 says 'ALERTS{alertname="BallastPolicyBad",alertstate="pending"}'
tap_fails "a guest that does not fit is not started" lab in h1 virsh -q start huge
tap_ok "an alert fires for it" wait_until 30 says 'ALERTS{alertname="BallastReservationRefused",alertstate="firing",severity="warning"}'

# --- All that is named is there ---
scrape() {
	nsenter --net="$SWITCH" curl -sf --max-time 10 --cacert "$certificates/ca.crt" -H "Authorization: Bearer $(cat "$certificates/ballast.token")" \
		https://10.79.0.1:8006/metrics >"$TEST_TMP/scrape"
}
tap_ok "a scrape" scrape
checked() { promtool check metrics <"$TEST_TMP/scrape" >"$TEST_TMP/said" 2>&1; cat "$TEST_TMP/said"; [ ! -s "$TEST_TMP/said" ]; }
tap_ok "promtool has nothing to say about it" checked
tap_ok "promtool takes the rules" promtool check rules "$rules"
grep -v '^#' "$TEST_TMP/scrape" | sed 's/[{ ].*//' | sort -u >"$TEST_TMP/names"
[ -e /proc/pressure/memory ] || sed 's/^ballast_guest_pressure_/ballast_host_pressure_/' "$TEST_TMP/names" | grep '^ballast_host_pressure_' >>"$TEST_TMP/names"
named() { grep -oE '\b(ballast|process)_[a-z0-9_]+' "$1" | sort -u; }
all_there() { # FILE AT-LEAST: every metric that it names has a sample
	[ "$(named "$1" | wc -l)" -ge "$2" ] && ! named "$1" | grep -vxFf "$TEST_TMP/names"
}
grep 'expr:' "$rules" >"$TEST_TMP/exprs"
tap_ok "every metric of the rules has samples" all_there "$TEST_TMP/exprs" 15
grep -E '"(expr|query|definition)":' "$dashboard" >"$TEST_TMP/exprs"
tap_ok "every metric of the dashboard has samples" all_there "$TEST_TMP/exprs" 40
sed -n '/^\.SH "METRICS/,/^\.SH "SEE ALSO"/s/^\.BR \(ballast_[a-z0-9_]*\|process_[a-z0-9_]*\) .*/\1/p' "$TEST_TOP/man/ballast-metrics.7" | sort -u >"$TEST_TMP/manual"
undocumented() { sed -E 's/_(bucket|sum|count)$//' "$TEST_TMP/names" | sort -u | grep -vxFf "$TEST_TMP/manual"; }
tap_fails "the page of metrics has all that is scraped" undocumented

# --- Every line of the dashboard has had something to draw ---
python3 "$TEST_TOP/tests/prometheus/dashboard.py" queries "$dashboard" >"$TEST_TMP/queries"
undrawn() {
	local line expr

	while IFS=$'\t' read -r line expr; do
		[ -e /proc/pressure/memory ] || [[ $expr != *host_pressure* ]] || continue
		says "max_over_time(($expr)[10m:1s]) > -Inf" || echo "$line: $expr"
	done <"$TEST_TMP/queries" >"$TEST_TMP/undrawn"
	cat "$TEST_TMP/undrawn"
	[ -s "$TEST_TMP/undrawn" ]
}
all_drawn() { ! undrawn; }
tap_between "the dashboard's lines" "$(wc -l <"$TEST_TMP/queries")" 50 200
tap_ok "each has samples" wait_until 40 all_drawn
[ ! -s "$TEST_TMP/undrawn" ] || tap_say <"$TEST_TMP/undrawn"
tap_is "variables: hosts" "$(ask 'count(count by (instance) (ballast_build_info))')" 1
tap_is "and guests" "$(ask 'count(count by (domain) (ballast_guest_running))')" 2

# --- libvirtd is stopped ---
if [ -n "${BALLAST_TEST_SLOW:-}" ]; then
	lab in h1 systemctl stop libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket libvirtd
	tap_ok "that libvirt is gone is an alert soon" wait_until 40 says 'ALERTS{alertname="BallastLibvirtUnreachable",alertstate="pending"}'
	tap_ok "and fires when it lasts" wait_until 150 says 'ALERTS{alertname="BallastLibvirtUnreachable",alertstate="firing",severity="critical"}'
	lab in h1 systemctl start libvirtd.socket libvirtd
	over() { ! says 'ALERTS{alertname="BallastLibvirtUnreachable"}'; }
	tap_ok "and is over when it is back" wait_until 60 over
else
	tap_skip "libvirt that is gone for two minutes fires" "slow: set BALLAST_TEST_SLOW=1"
fi
tap_done
