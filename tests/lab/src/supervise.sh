# Runs one process and outlives nobody: standard input is a pipe held by the one that wanted it. A line on it
# starts the process; its end, which comes even when the other one is killed, ends the process and removes its directory.
# Arguments: the directory, then the command line. run.pid is there exactly while the process runs, run.exit after.
dir=$1
shift
# When its parent dies this process group is orphaned, and with a stopped server in it everybody gets a SIGHUP.
trap '' HUP

children() {
    for stat in /proc/[0-9]*/stat; do
        { read -r line <"$stat"; } 2>/dev/null || continue
        fields=${line##*) }
        fields=${fields#* }
        [ "${fields%% *}" = "$1" ] && echo "${line%% *}"
    done
    [ -e /proc/self/stat ] || pgrep -P "$1"
}

while read -r _; do
    rm -f "$dir/run.exit"
    (
        (trap - HUP && exec "$@") </dev/null >>"$dir/log" 2>&1 &
        echo $! >"$dir/run.new"
        mv "$dir/run.new" "$dir/run.pid"
        wait $!
        # In this order: who sees no run.pid any more may start the server again, which takes run.exit away.
        echo $? >"$dir/run.exit"
        rm -f "$dir/run.pid"
    ) &
done

if pid=$(cat "$dir/run.pid" 2>/dev/null) && [ -n "$pid" ]; then
    children=$(children "$pid")
    # A stopped process gets no signal but these two.
    kill -CONT $pid $children 2>/dev/null
    # PostgreSQL's immediate shutdown, which then ignores the second one; the end of anything else.
    kill -QUIT "$pid" 2>/dev/null
    kill -TERM "$pid" 2>/dev/null
    tries=0
    while [ -e "$dir/run.pid" ] && [ $tries -lt 200 ]; do
        sleep 0.05
        tries=$((tries + 1))
    done
    [ -e "$dir/run.pid" ] && kill -KILL $pid $children 2>/dev/null
fi
# The subshell above has a last file to write.
wait
cd /
rm -rf "$dir"
