#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Where results go: never in the place of what is not theirs, each output for itself, nothing that is
# done is lost. The part with another user needs root.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
check=$2
python3 "$here/mkcap.py" "$work"
chmod 755 "$work"
mkdir "$work/results"
r=$work/results
one=("${eal[@]}" -l 0)
few=(--pairs 300 --rounds 1 --policy strict)
nobody=65534

# refused NAME WORDS... -- OPTIONS...: status 2, one line with the words, before anything is done.
refused() {
	local name=$1 words arguments
	shift
	split "$@"
	run "$name" 2 "$perf" "${one[@]}" -- "${few[@]}" "${arguments[@]}"
	one_line "${words[@]}"
}

# ---- an output that is another one, or an input ---------------------------------------------------
cp "$work/one.pcap" "$r/in.pcap"
ln "$r/in.pcap" "$r/hard.pcap"
ln -s in.pcap "$r/soft.pcap"
sum=$(md5sum <"$r/in.pcap")
for out in in.pcap hard.pcap soft.pcap ../results/in.pcap; do
	for opt in --json --csv; do
		refused "$opt is the workload ($out)" "$opt" "$r/$out" workload -- \
			--workload "$r/in.pcap" "$opt" "$r/$out"
	done
done
[ "$(md5sum <"$r/in.pcap")" = "$sum" ] || fail 'the capture was changed'
printf '[sweep]\nbatch = 8\n' >"$r/s.ini"
refused 'csv is the sweep' --csv s.ini sweep -- --sweep "$r/s.ini" --csv "$r/s.ini"
refused 'json is csv by another spelling' --json --csv -- --json "$r/a" --csv "$r/../results/a"
ln -s a "$r/b"
refused 'json is csv by a link to nothing' --json --csv -- --json "$r/a" --csv "$r/b"
echo old >"$r/c"
ln "$r/c" "$r/d"
refused 'json is csv by a hard link' --json --csv -- --json "$r/c" --csv "$r/d"
refused 'json and csv on stdout' --json --csv -- --json - --csv /dev/stdout
mkdir "$r/rep"
refused 'json is the page of the report' --json index.html report -- --report "$r/rep" \
	--json "$r/rep/index.html"
[ "$(cat "$r/c")" = old ] || fail 'a refused run changed a file'
case='stdout is the json file'
cases=$((cases + 1))
: >"$r/t"
timeout 60 "$perf" "${one[@]}" -- "${few[@]}" --json "$r/t" >"$r/t" 2>"$work/err" </dev/null
[ $? -eq 2 ] || fail 'status is not 2'
one_line "$r/t"
rm -rf "${r:?}"/*

# ---- what is no regular file is written to, and stays ---------------------------------------------
before=$(stat -c %i:%F /dev/stdout /dev/null /dev/fd)
case='json to /dev/stdout, a file behind it'
cases=$((cases + 1))
timeout 60 "$perf" "${one[@]}" -- "${few[@]}" --json /dev/stdout >"$r/o.json" 2>"$work/err" </dev/null ||
	fail "status $?"
json "$r/o.json" 'len(r) == 1'
run 'json to /dev/null' 0 "$perf" "${one[@]}" -- "${few[@]}" --json /dev/null --csv /dev/null
mkfifo "$r/fifo"
cat "$r/fifo" >"$r/f.json" &
run 'json to a pipe with a name' 0 "$perf" "${one[@]}" -- "${few[@]}" --json "$r/fifo"
wait
[ -p "$r/fifo" ] || fail 'the pipe was replaced'
json "$r/f.json" 'len(r) == 1'
run 'check: json to /dev/stdout' 0 "$check" --case ident.idr0 --json /dev/stdout
grep -q '"verdict": "ok"' "$work/out" || fail 'no JSON there'
[ "$(stat -c %i:%F /dev/stdout /dev/null /dev/fd)" = "$before" ] || fail 'a file of the system was replaced'

# ---- links and files of other users ---------------------------------------------------------------
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
	as_nobody() { setpriv --reuid=$nobody --regid=$nobody --clear-groups "$@"; }
	mkdir -m 1777 "$r/open"
	echo precious >"$r/victim"
	as_nobody ln -s "$r/victim" "$r/open/link"
	as_nobody ln -s "$r" "$r/open/way"
	as_nobody touch "$r/open/theirs"
	as_nobody mkfifo "$r/open/pipe"
	as_nobody mkdir "$r/open/folder"
	for out in link theirs pipe way/new; do
		refused "json where another user put a ${out%%/*}" --json "${out%%/*}" -- --json "$r/open/$out"
		run "check: json where another user put a ${out%%/*}" 2 "$check" --case ident.idr0 \
			--json "$r/open/$out"
	done
	refused 'report into a folder of another user' --report folder -- --report "$r/open/folder"
	refused 'report by a link of another user' --report way -- --report "$r/open/way/rep"
	[ "$(cat "$r/victim")" = precious ] || fail 'written through a link'
	[ -O "$r/open/theirs" ] && fail 'a file of another user was replaced'
	ln -s "$r/mine" "$r/open/own"
	run 'a link of our own is followed' 0 "$perf" "${one[@]}" -- "${few[@]}" --json "$r/open/own"
	json "$r/mine" 'len(r) == 1'
	[ -L "$r/open/own" ] || fail 'the link was replaced'

	# Somebody takes the report's name during the run: gnuplot runs nothing of theirs.
	mkdir -m 777 "$r/free"
	cat >"$r/gp" <<-'GP'
		system("id -u > /tmp/sluice-cli-owned-'$$'")
	GP
	case='the folder changes its name during the run'
	cases=$((cases + 1))
	"$perf" "${one[@]}" -- --seconds 2 --rounds 1 --policy strict --report "$r/free/rep" \
		>"$work/out" 2>"$work/err" </dev/null &
	pid=$!
	await test -d "$r/free/rep"
	kill -STOP $pid
	[ ! -e "$r/free/rep/index.html" ] || fail 'the run was over before it began'
	as_nobody mv "$r/free/rep" "$r/free/away"
	as_nobody mkdir "$r/free/rep"
	for name in cost tail window; do
		as_nobody tee "$r/free/rep/$name.gp" <"$r/gp" >/dev/null
	done
	kill -CONT $pid
	wait $pid || fail "status $?"
	[ -s "$r/free/away/index.html" ] || fail 'the page is not in the folder that was made'
	[ "$(find "$r/free/rep" -type f | wc -l)" -eq 3 ] || fail 'files were put into their folder'
	[ ! -e "/tmp/sluice-cli-owned-$$" ] || fail 'their script was run'
	rm -rf "/tmp/sluice-cli-owned-$$" "$r/free" "$r/open"
else
	echo 'skipped: links and files of other users (needs root and setpriv)'
fi

# ---- the report's folder --------------------------------------------------------------------------
rm -rf "${r:?}"/*
mkdir "$r/full"
echo mine >"$r/full/notes.txt"
refused 'report into a folder that holds something else' notes.txt -- --report "$r/full"
[ "$(ls "$r/full")" = notes.txt ] || fail 'something was added'
run 'report' 0 "$perf" "${one[@]}" -- "${few[@]}" --report "$r/rep"
run 'report again' 0 "$perf" "${one[@]}" -- "${few[@]}" --report "$r/rep/"
echo mine >"$r/rep/index.html"
refused 'a page that somebody changed' index.html -- --report "$r/rep"
[ "$(cat "$r/rep/index.html")" = mine ] || fail 'it was replaced'
rm "$r/rep/index.html"
echo mine >"$r/rep/sweep-pair.png"
refused 'a picture of somebody' sweep-pair.png -- --report "$r/rep"
[ "$(cat "$r/rep/sweep-pair.png")" = mine ] || fail 'it was removed'
rm "$r/rep/sweep-pair.png"
touch "$r/rep/more.txt"
run 'somebody added a file' 0 "$perf" "${one[@]}" -- "${few[@]}" --report "$r/rep"
[ -e "$r/rep/more.txt" ] || fail 'it is gone'
if command -v gnuplot >/dev/null; then
	[ -s "$r/rep/cost.svg" ] && [ -s "$r/rep/cost.png" ] || fail 'no pictures'
	run 'a script makes its picture again' 0 sh -c "cd '$r/rep' && rm cost.svg && gnuplot cost.gp && test -s cost.svg"
fi

# ---- each output for itself -----------------------------------------------------------------------
rm -rf "${r:?}"/*
run 'one of several is on a full device' 1 "$perf" "${one[@]}" -- "${few[@]}" --json /dev/full \
	--csv "$r/r.csv" --report "$r/rep"
one_line /dev/full
[ "$(wc -l <"$r/r.csv")" -eq 2 ] || fail 'the csv was not written'
[ -s "$r/rep/index.html" ] || fail 'the report was not written'
says 'strict/this'

# A reader that has had enough, and one that was never there.
case='table into head'
cases=$((cases + 1))
timeout 60 "$perf" "${one[@]}" -- "${few[@]}" --json "$r/h.json" 2>"$work/err" </dev/null | head -c 1 >/dev/null
[ "${PIPESTATUS[0]}" -eq 0 ] || fail 'status is not 0'
json "$r/h.json" 'len(r) == 1'
[ ! -s "$work/err" ] || fail 'something on stderr'
case='a closed pipe'
cases=$((cases + 1))
{ timeout 60 "$perf" "${one[@]}" -- "${few[@]}" --json "$r/p.json" 2>"$work/err" </dev/null; echo $? >"$work/rc"; } | true
[ "$(cat "$work/rc")" -eq 0 ] || fail 'status is not 0'
json "$r/p.json" 'len(r) == 1'
for p in "$perf" "$check"; do
	for opt in --help --list --version; do
		case="$opt on a full device"
		cases=$((cases + 1))
		rc=0
		"$p" "$opt" >/dev/full 2>"$work/err" </dev/null || rc=$?
		[ "$rc" -eq 2 ] || fail "status $rc, wanted 2"
		[ "$(wc -l <"$work/err")" -eq 1 ] || fail 'not one line'
	done
done
case='table on a full device'
cases=$((cases + 1))
rc=0
timeout 60 "$perf" "${one[@]}" -- "${few[@]}" --json "$r/u.json" >/dev/full 2>"$work/err" </dev/null || rc=$?
[ "$rc" -eq 2 ] || fail "status $rc, wanted 2"
one_line 'standard output'
json "$r/u.json" 'len(r) == 1'
case='stdout is closed'
cases=$((cases + 1))
timeout 60 "$perf" "${one[@]}" -- "${few[@]}" --json "$r/v.json" >&- 2>"$work/err" </dev/null
json "$r/v.json" 'len(r) == 1'

# ---- names that are no text -----------------------------------------------------------------------
rm -rf "${r:?}"/*
odd=$r/$'caf\xe9 \e[31mred\u202e.pcap'
cp "$work/one.pcap" "$odd"
run 'a name that is not UTF-8' 0 "$perf" "${one[@]}" -- "${few[@]}" --workload "$odd" \
	--dev $'smmuv3,regs=emu' --json "$r/o.json" --csv "$r/o.csv" --report "$r/rep"
json "$r/o.json" "r[0]['workload'] == 'caf\ufffd \x1b[31mred\u202e.pcap' and d['iommu']['dev'] == 'smmuv3,regs=emu'"
for f in "$work/out" "$work/err" "$r/o.json" "$r/o.csv" "$r/rep/index.html"; do
	LC_ALL=C grep -q -P '\x1b|\xe9|\xe2\x80\xae' "$f" && fail "escapes in $f"
	iconv -f UTF-8 -t UTF-8 "$f" >/dev/null 2>&1 || fail "$f is not UTF-8"
done
for p in "$perf" "$check"; do
	case='escapes in an error line'
	cases=$((cases + 1))
	"$p" --json $'/none/\e]0;x\a\x9b1m\x7f' >"$work/out" 2>"$work/err" </dev/null
	"$p" -- --json $'/none/\e]0;x\a\x9b1m\x7f' >>"$work/out" 2>>"$work/err" </dev/null
	"$p" -- --dev $'smmuv3,\e[2J=1' >>"$work/out" 2>>"$work/err" </dev/null
	LC_ALL=C grep -q -P '[\x00-\x09\x0b-\x1f\x7f-\xff]' "$work/err" && fail 'they reach the terminal'
done
refused 'a seed beyond what JSON holds' --seed 9223372036854775807 -- --seed 9223372036854775808
run 'check: the same' 2 "$check" --seed 18446744073709551615
run 'the largest seed' 0 "$perf" "${one[@]}" -- "${few[@]}" --seed 9223372036854775807 --json "$r/s.json"
json "$r/s.json" "r[0]['seed'] == 2**63 - 1"
finish
