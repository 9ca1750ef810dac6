#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Being told to end, at any time, by any signal: it does not go on with what it is at, nothing is left
# behind, what was complete is kept.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
check=$2
mkdir "$work/results"
r=$work/results
one=("${eal[@]}" -l 0)

# begin COMMAND...: in the background; $pid.
begin() {
	cases=$((cases + 1))
	# A shell has its background ignore INT and QUIT.
	env --default-signal=INT,QUIT "$@" >"$work/out" 2>"$work/err" </dev/null &
	pid=$!
}

# over: $pid ends; what it was at would go on for longer than is waited. Its status is in $got.
over() {
	local n
	for ((n = 0; n < 600; n++)); do
		ended "$pid" && break
		sleep 0.05
	done
	if [ "$n" -eq 600 ]; then
		fail 'it does not end'
		kill -KILL "$pid"
	fi
	got=0
	wait "$pid" || got=$?
}

# told SIGNAL: $pid is, and it ends.
told() {
	kill -s "$1" "$pid"
	over
}

# interrupted SIGNAL TICKS: $pid gets the signal after so much work, ends with a line that says so, and
# leaves nothing behind.
interrupted() {
	await stands "$pid" "$perf"
	await worked "$pid" "$2"
	told "$1"
	[ "$got" -eq 1 ] || fail "status $got, wanted 1"
	one_line interrupted
	nothing_left
}

# As soon as it can be told, and in the middle of a run.
for sig in HUP INT QUIT TERM XCPU; do
	for ticks in 0 50; do
		case="$sig after $ticks ticks of work"
		begin "$perf" "${one[@]}" -- --seconds 60 --json "$r/r.json" --csv "$r/r.csv" --report "$r/rep"
		interrupted "$sig" "$ticks"
	done
done
# Sooner than that it may be ended as any program is, and again nothing is left; so any of these
# moments will do.
for delay in 0.005 0.02 0.05 0.1; do
	case="HUP after $delay s"
	begin "$perf" "${one[@]}" -- --seconds 60 --json "$r/r.json" --report "$r/rep"
	sleep "$delay"
	told HUP
	nothing_left
done
case='INT, two lcores'
begin "$perf" "${two[@]}" -- --seconds 60 --json "$r/r.json"
interrupted INT 50

# A SYNC that takes most of a second, in a burst of 64: no wait of the library notices.
long=smmuv3,regs=emu,sync_ns=900000000,sync_timeout_us=60000000
case='within long SYNCs'
begin "$perf" "${two[@]}" -- --dev $long --burst 64 --policy strict --json "$r/r.json"
interrupted INT 50
case='within long SYNCs, one lcore'
begin "$perf" "${one[@]}" -- --dev $long --burst 64 --policy strict --json "$r/r.json"
interrupted TERM 50

# Who tells a group of processes tells each of them twice, as timeout(1) does. Two signals of one kind
# may become one on the way, two kinds do not.
case='told twice at once'
begin "$perf" "${two[@]}" -- --dev $long --burst 64 --policy strict --json "$r/r.json"
await stands "$pid" "$perf"
await worked "$pid" 50
kill -s INT "$pid"
told TERM
[ "$got" -eq 1 ] || fail "status $got, wanted 1"
one_line interrupted
nothing_left
# Real hardware is put in order first, so nothing cuts this wait for a pipe's reader short; the thread
# that would has gone when the grace is over. Then a second signal means it.
case='told again'
mkfifo "$work/unread"
begin "$perf" "${one[@]}" -- --dev smmuv3,regs=devmem --json "$work/unread"
await stands "$pid" "$perf"
await threads "$pid" 2
kill -s INT "$pid"
await threads "$pid" 1
told INT
[ "$got" -eq 130 ] || fail "status $got, wanted 130"

# What was complete before the signal is there: also on stdout, also when the end does not wait.
printf '[sweep]\npolicy = strict\nsync_ns = 0, 900000000\n' >"$work/s.ini"
points=(--dev smmuv3,regs=emu,sync_timeout_us=60000000 --sweep "$work/s.ini" --pairs 300 --burst 64 --rounds 1
	--csv "$r/k.csv")
case='the first point is kept'
begin "$perf" "${two[@]}" -- "${points[@]}" --json -
await test -s "$r/k.csv"
told INT
[ "$got" -eq 1 ] || fail "status $got, wanted 1"
json "$work/out" "len(r) == 1 and r[0]['pairs'] == 300 and d['complete'] is False"
[ "$(wc -l <"$r/k.csv")" -eq 2 ] || fail 'csv: not one line'
case='killed: what was complete is on disk'
rm -f "$r/k.csv"
begin "$perf" "${two[@]}" -- "${points[@]}"
await test -s "$r/k.csv"
told KILL
[ "$(wc -l <"$r/k.csv")" -eq 2 ] || fail 'csv: not one line'
[ "$(ls -A "$r")" = k.csv ] || fail "left behind: $(ls -A "$r")"
rm -f "$r/k.csv"

# nohup is meant.
case='HUP under nohup'
cases=$((cases + 1))
( trap '' HUP; exec "$perf" "${one[@]}" -- --seconds 1 --rounds 1 --policy strict --json "$r/n.json" ) \
	>"$work/out" 2>"$work/err" </dev/null &
pid=$!
await stands "$pid" "$perf"
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
for sig in HUP INT KILL; do
	case="check: $sig, and a QEMU behind a script"
	rm -f "$work/machine.pid"
	begin "$check" "${hang[@]}"
	await test -s "$work/machine.pid"
	told $sig
	if [ "$sig" != KILL ]; then
		[ "$got" -eq 1 ] || fail "status $got, wanted 1"
		one_check_line interrupted
	fi
	await ended "$(cat "$work/machine.pid")" || kill -KILL "$(cat "$work/machine.pid")"
	nothing_left
done
finish
