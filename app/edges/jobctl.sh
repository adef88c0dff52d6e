# Runs one long command so that it outlives the SSH connection, is never started twice and can be ended whole.
# POSIX sh on Linux (dash, bash, busybox). The caller puts the command into JOB/run first.
#
#   jobctl.sh start JOB SECONDS        NAME=VALUE lines on stdin are exported to the command, never written down
#   jobctl.sh poll JOB OFFSET MAX WAIT waits up to WAIT seconds for news, then prints at most MAX bytes of JOB/out
#   jobctl.sh kill JOB GRACE           TERM, GRACE seconds, then KILL for everything that the command started
#
# Each prints a line "STATE CODE SIZE COUNT" first: absent, running, exited (CODE is the exit code, 124 after the time
# limit) or lost (the machine was rebooted or the supervisor was killed). COUNT bytes of output follow.
set -u
umask 077
verb=$1
job=$2

boot_id() { cat /proc/sys/kernel/random/boot_id; }

# Start time of a live process in clock ticks; with the boot id it tells a process from a later one with its number.
started_at() {
    line=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
    set -- ${line##*) }
    [ "$1" != Z ] && [ "$1" != X ] && echo "${20}"
}

supervisor_alive() {
    [ -s "$job/supervisor" ] || return 1
    read -r pid ticks boot < "$job/supervisor" || return 1
    [ "$boot" = "$(boot_id)" ] && [ "$(started_at "$pid")" = "$ticks" ]
}

# The exit file is looked at again after liveness: the supervisor may end between the two looks.
state() {
    for _ in first second; do
        if [ -s "$job/exit" ]; then echo "exited $(cat "$job/exit")"; return; fi
        if [ ! -d "$job/started" ]; then echo "absent 0"; return; fi
        if supervisor_alive; then echo "running 0"; return; fi
    done
    # Between the gate and the supervisor's first breath there is a moment without a pid file.
    if [ ! -s "$job/supervisor" ] && [ -n "$(find "$job/started" -prune -mmin -1)" ]; then
        echo "running 0"
    else
        echo "lost 0"
    fi
}

size() { if [ -e "$job/out" ]; then wc -c < "$job/out" | tr -d ' '; else echo 0; fi; }

# Everything that the command started carries FOLLOWTHROUGH_JOB in its environment, also after a setsid of its own.
members() { grep -lzxF "FOLLOWTHROUGH_JOB=$job" /proc/[0-9]*/environ 2>/dev/null | cut -d/ -f3; }

end_members() {
    for pid in $(members); do kill -s "$1" "$pid" 2>/dev/null; done
}

end_all() {
    end_members TERM
    left=$(($1 * 5))
    while [ -n "$(members)" ] && [ "$left" -gt 0 ]; do sleep 0.2; left=$((left - 1)); done
    end_members KILL
}

case $verb in
start)
    if mkdir "$job/started" 2>/dev/null; then
        secrets=$(cat)
        printf '%s\n' "$secrets" | setsid env -i PATH="$PATH" sh "$0" supervise "$job" "$3" >/dev/null 2>&1 &
        tries=50
        while [ ! -s "$job/supervisor" ] && [ "$tries" -gt 0 ]; do sleep 0.1; tries=$((tries - 1)); done
    fi
    echo "$(state) $(size) 0"
    ;;
supervise)
    trap : HUP INT TERM
    echo "$$ $(started_at $$) $(boot_id)" > "$job/supervisor.new"
    mv "$job/supervisor.new" "$job/supervisor"
    while IFS= read -r line; do
        case $line in
        [A-Za-z_]*=*) export "$line" ;;
        esac
    done
    FOLLOWTHROUGH_JOB=$job timeout -k 10 "$3" sh "$job/run" > "$job/out" 2> "$job/err" < /dev/null &
    command=$!
    while :; do
        wait "$command"
        code=$?
        kill -0 "$command" 2>/dev/null || break
    done
    end_members KILL
    echo "$code" > "$job/exit.new"
    mv "$job/exit.new" "$job/exit"
    ;;
poll)
    offset=$3
    rounds=$(($5 * 5))
    while :; do
        now=$(state)
        bytes=$(size)
        [ "$bytes" -gt "$offset" ] && break
        case $now in running*) ;; *) break ;; esac
        [ "$rounds" -le 0 ] && break
        sleep 0.2
        rounds=$((rounds - 1))
    done
    count=$((bytes - offset))
    [ "$count" -lt 0 ] && count=0
    [ "$count" -gt "$4" ] && count=$4
    echo "$now $bytes $count"
    [ "$count" -gt 0 ] && tail -c "+$((offset + 1))" "$job/out" | head -c "$count"
    exit 0
    ;;
kill)
    end_all "$3"
    tries=50
    while supervisor_alive && [ "$tries" -gt 0 ]; do sleep 0.1; tries=$((tries - 1)); done
    echo "$(state) $(size) 0"
    ;;
esac
