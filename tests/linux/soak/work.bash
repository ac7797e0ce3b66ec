# bash: arithmetic, arrays, patterns, pipes, subshells, jobs. $1 is how much of it.
set -eu
declare -A count=()
sum=0
for ((i = 0; i < $1 * 2000; i++)); do
    ((sum = (sum * 31 + i) % 1000003, 1))
    key=$((sum % 17))
    count[$key]=$((${count[$key]:-0} + 1))
done
echo "sum $sum"
for key in {0..16}; do printf '%s=%s ' "$key" "${count[$key]}"; done
echo
text=
for ((i = 0; i < $1 * 40; i++)); do text+="word$((i * 7919 % 1000)) "; done
[[ $text =~ (word9[0-9]+)\ (word[0-9]+) ]] && echo "${BASH_REMATCH[1]} ${BASH_REMATCH[2]}"
echo "${#text} ${text//word/w}" | cut -c1-60
for word in $text; do echo "$word"; done | sort | uniq | sha256sum
work() { for ((j = 0; j < 300; j++)); do :; done; echo "job $1 $((j * $1))"; }
for i in 1 2 3 4; do work "$i" >"$TMP/job$i" & done
wait
cat "$TMP"/job?
for ((i = 0; i < $1 * 10; i++)); do (exit $((i % 256))) || echo "status $?"; done | sha256sum
