#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Being told to end, at any time, by any signal: within a second or so, nothing left behind, what was
# complete kept.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
check=$2
mkdir "$work/results"
r=$work/results
one=("${eal[@]}" -l 0)

# told SIGNAL DELAY LIMIT COMMAND...: start it, signal it after DELAY, it must end within LIMIT (s).
# Its status is in $got.
told() {
	local sig=$1 delay=$2 limit=$3 pid t0
	shift 3
	cases=$((cases + 1))
	# A shell has its background ignore INT and QUIT.
	env --default-signal=INT,QUIT "$@" >"$work/out" 2>"$work/err" </dev/null &
	pid=$!
	sleep "$delay"
	t0=${EPOCHREALTIME/./}
	kill -s "$sig" "$pid"
	( sleep 40; kill -KILL "$pid" 2>/dev/null ) &
	local guard=$!
	got=0
	wait "$pid" || got=$?
	kill "$guard" 2>/dev/null
	[ $((${EPOCHREALTIME/./} - t0)) -le $((limit * 1000000)) ] || fail "it took $(((${EPOCHREALTIME/./} - t0) / 1000)) ms to end"
}

for sig in HUP INT QUIT TERM XCPU; do
	case="$sig"
	told $sig 1.2 4 "$perf" "${one[@]}" -- --seconds 60 --json "$r/r.json" --csv "$r/r.csv" --report "$r/rep"
	[ "$got" -eq 1 ] || fail "status $got, wanted 1"
	one_line interrupted
	nothing_left
done
for delay in 0.005 0.02 0.05 0.1; do
	case="HUP after $delay s"
	told HUP "$delay" 4 "$perf" "${one[@]}" -- --seconds 60 --json "$r/r.json" --report "$r/rep"
	nothing_left
done

# A SYNC that takes most of a second, in a burst of 32: no wait of the library notices.
case='within long SYNCs'
told INT 2 4 "$perf" "${two[@]}" -- --dev smmuv3,regs=emu,sync_ns=900000000 --policy strict --json "$r/r.json"
[ "$got" -eq 1 ] || fail "status $got, wanted 1"
one_line interrupted
nothing_left
case='within long SYNCs, one lcore'
told TERM 2 4 "$perf" "${one[@]}" -- --dev smmuv3,regs=emu,sync_ns=900000000 --policy strict --json "$r/r.json"
[ "$got" -eq 1 ] || fail "status $got, wanted 1"
nothing_left

# What was complete before the signal is there: also on stdout, also when the end does not wait.
printf '[sweep]\npolicy = strict\nsync_ns = 0, 900000000\n' >"$work/s.ini"
case='the first point is kept'
told INT 4 4 "$perf" "${two[@]}" -- --sweep "$work/s.ini" --pairs 300 --rounds 1 --json - --csv "$r/k.csv"
[ "$got" -eq 1 ] || fail "status $got, wanted 1"
json "$work/out" "len(r) == 1 and r[0]['pairs'] == 300 and d['complete'] is False"
[ "$(wc -l <"$r/k.csv")" -eq 2 ] || fail 'csv: not one line'
case='killed: what was complete is on disk'
rm -f "$r/k.csv"
told KILL 4 4 "$perf" "${two[@]}" -- --sweep "$work/s.ini" --pairs 300 --rounds 1 --csv "$r/k.csv"
[ "$(wc -l <"$r/k.csv")" -eq 2 ] || fail 'csv: not one line'
[ "$(ls -A "$r")" = k.csv ] || fail "left behind: $(ls -A "$r")"
rm -f "$r/k.csv"

# nohup is meant.
case='HUP under nohup'
cases=$((cases + 1))
( trap '' HUP; exec "$perf" "${one[@]}" -- --seconds 2 --rounds 1 --policy strict --json "$r/n.json" ) \
	>"$work/out" 2>"$work/err" </dev/null &
pid=$!
sleep 1
kill -HUP $pid
wait $pid || fail "status $?"
json "$r/n.json" 'len(r) == 1'
rm -f "$r/n.json"

# ---- sluice-check ---------------------------------------------------------------------------------
folders() {
	local d
	for d in "${XDG_RUNTIME_DIR:-/nonexistent}/dpdk" /run/dpdk /var/run/dpdk; do
		[ -d "$d/sluice-check-$1" ] && fail "left behind: $d/sluice-check-$1"
	done
}
case='check leaves no folder'
cases=$((cases + 1))
"$check" --case ident.idr0 >"$work/out" 2>"$work/err" </dev/null &
pid=$!
wait $pid || fail "status $?"
folders $pid

# A machine that answers nothing, behind a script that stays in between.
cat >"$work/machine" <<-'SH'
	#!/bin/bash
	if [ "$1" = --version ]; then
		echo 'QEMU emulator version 10.0.0'
		exit
	fi
	sleep 987 &
	echo $! >"$0.pid"
	wait
SH
chmod +x "$work/machine"
hang=(--dev "smmuv3,regs=qtest,timeout_ms=60000,qemu=$work/machine" --json "$r/c.json")
gone() {
	local pid n
	pid=$(cat "$work/machine.pid")
	for n in $(seq 40); do
		[ -d "/proc/$pid" ] && ! grep -q '^State:.Z' "/proc/$pid/status" || return 0
		sleep 0.05
	done
	fail 'what the script started lives on'
	kill -KILL "$pid"
}
for sig in HUP INT KILL; do
	case="check: $sig, and a QEMU behind a script"
	rm -f "$work/machine.pid"
	told $sig 1.5 4 "$check" "${hang[@]}"
	if [ "$sig" != KILL ]; then
		[ "$got" -eq 1 ] || fail "status $got, wanted 1"
		one_check_line interrupted
	fi
	gone
	nothing_left
done
finish
