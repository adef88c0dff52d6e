# Runs one long command so that it outlives the SSH connection, is never started twice and can be ended whole.
# POSIX sh on Linux (dash, bash, busybox). The caller puts the command's files into NEW first, a folder in JOB: `run`,
# and `input` unless the command is to be held, that is to be up and to wait for its input.
#
#   jobctl.sh start JOB SECONDS NEW    NAME=VALUE lines on stdin are exported to the command, never written down
#   jobctl.sh input JOB SECONDS        the command's input, once it is there; nothing when it has not come by then
#   jobctl.sh poll JOB OFFSET MAX WAIT waits up to WAIT seconds for news, then prints at most MAX bytes of JOB/out
#   jobctl.sh kill JOB GRACE           TERM, GRACE seconds, then KILL for everything that the command started
#
# All but `input` print a line "STATE CODE SIZE COUNT" first: absent, held, running, exited (CODE is the exit code, 124
# after the time limit) or lost (the machine was rebooted or the supervisor was killed). COUNT bytes of output follow.
#
# A command that was never given its input has done nothing yet: it may be ended and started anew, and once it is over
# it is absent. JOB/held says so of it until the disk knows that its input comes. Who makes the name JOB/input first
# decides: a file is the input, and a link says that it was waited for in vain.
#
# Everything that the command starts is found again by three marks, of which a process would have to lose all: the
# cgroup made for the job, where we may make one; a file size limit that no other job has, too large to be met, which
# is inherited also by who leaves its session, its parent and its environment; and a variable.
set -u
umask 077
verb=$1
job=$2

# A program costs a millisecond to start, and the command waits for all that come before it: the shell reads by itself.
whole() { while IFS= read -r part || [ -n "$part" ]; do printf '%s\n' "$part"; done 2>/dev/null < "$1"; }
boot_id() { whole /proc/sys/kernel/random/boot_id; }
seconds_up() { read -r now _ < /proc/uptime; echo "${now%.*}"; }

# Start time of a live process in clock ticks; with the boot id it tells a process from a later one with its number.
started_at() {
    line=$(whole "/proc/$1/stat") && [ -n "$line" ] || return 1
    set -- ${line##*) }
    [ "$1" != Z ] && [ "$1" != X ] && echo "${20}"
}

supervisor_alive() {
    [ -s "$job/supervisor" ] || return 1
    read -r pid ticks boot < "$job/supervisor" || return 1
    [ "$boot" = "$(boot_id)" ] && [ "$(started_at "$pid")" = "$ticks" ]
}

# Between the gate and the supervisor's first breath there is a moment without a pid file.
newborn() { [ ! -s "$job/supervisor" ] && [ -n "$(find "$job/started" -prune -mmin -1)" ]; }

wait_until_born() {
    tries=250
    while newborn && [ "$tries" -gt 0 ]; do sleep 0.02; tries=$((tries - 1)); done
}

never_fed() { [ ! -f "$job/input" ] && { [ -e "$job/held" ] || [ -L "$job/input" ]; }; }

# The exit file is looked at again after liveness: the supervisor may end between the two looks.
state() {
    for _ in first second; do
        if [ ! -d "$job/started" ]; then echo "absent 0"; return; fi
        if never_fed; then
            if supervisor_alive || newborn; then echo "held 0"; else echo "absent 0"; fi
            return
        fi
        if [ -s "$job/exit" ]; then echo "exited $(cat "$job/exit")"; return; fi
        if supervisor_alive; then echo "running 0"; return; fi
    done
    if newborn; then echo "running 0"; else echo "lost 0"; fi
}

size() { if [ -s "$job/out" ]; then wc -c < "$job/out" | tr -d ' '; else echo 0; fi; }

# The folder of this process's own cgroup (version 2); nothing where there is none.
own_cgroup() {
    while read -r _ mount kind _; do
        if [ "$kind" = cgroup2 ]; then
            while IFS=: read -r number kinds inside; do
                if [ "$number:$kinds" = 0: ]; then echo "$mount${inside%/}"; fi
            done < /proc/self/cgroup
            return
        fi
    done < /proc/mounts
}

# A limit in bytes between 2^60 and 2^62, made of the supervisor's number and start time: no other job alive has it.
size_limit() { echo $(((1 << 60) + ($(started_at "$1") % (1 << 29)) * (1 << 31) + $1 * 512)); }

members() {
    {
        [ ! -s "$job/cgroup" ] || cat "$(cat "$job/cgroup")/cgroup.procs"
        [ ! -s "$job/limit" ] || grep -lE "^Max file size +$(cat "$job/limit") " /proc/[0-9]*/limits | cut -d/ -f3
        grep -lzxF "FOLLOWTHROUGH_JOB=$job" /proc/[0-9]*/environ | cut -d/ -f3
    } 2>/dev/null | sort -u | while read -r member; do
        # A dead process that nobody has fetched yet is over all the same.
        if started_at "$member" >/dev/null; then echo "$member"; fi
    done
}

signal_members() {
    for member in $(members); do kill -s "$1" "$member" 2>/dev/null; done
}

# Who forks while it is being killed leaves a child that was not among those found: look again until none is left.
kill_members() {
    if [ -s "$job/cgroup" ]; then echo 1 > "$(cat "$job/cgroup")/cgroup.kill"; fi 2>/dev/null
    left=50
    while [ -n "$(members)" ] && [ "$left" -gt 0 ]; do
        signal_members KILL
        sleep 0.1
        left=$((left - 1))
    done
    if [ -s "$job/cgroup" ]; then rmdir "$(cat "$job/cgroup")"; fi 2>/dev/null
}

end_all() {
    signal_members TERM
    left=$(($1 * 5))
    while [ -n "$(members)" ] && [ "$left" -gt 0 ]; do sleep 0.2; left=$((left - 1)); done
    kill_members
}

# Before anything is begun, the disk knows that it was: after a power cut it must not look as if it were not.
to_disk() { sync "$job" 2>/dev/null || sync; }

# Whether the command is up and waits, and is the very one that is wanted.
waits_for() { [ "$(state)" = "held 0" ] && cmp -s "$1/run" "$job/run"; }

# Give a held command its input; it fails when the command has given up waiting.
feed() {
    mv -f "$1/input" "$job/input.new"
    rm -f "$job/held"
    to_disk
    ln "$job/input.new" "$job/input" 2>/dev/null || [ -f "$job/input" ]
}

# End a command that was never given its input, as if nobody had ever started it.
forget() {
    : > "$job/held"
    wait_until_born
    kill_members
    tries=50
    while supervisor_alive && [ "$tries" -gt 0 ]; do sleep 0.02; tries=$((tries - 1)); done
    # One that is slow would end what takes the place of its command.
    if supervisor_alive; then kill -s KILL "$pid"; fi
    # Where this is cut short, what is left has no supervisor that could still come.
    touch -t 200001010000 "$job/started"
    for left in supervisor exit out err cgroup limit pipe input input.new; do rm -f "$job/$left"; done
    rmdir "$job/started"
}

case $verb in
start)
    secrets=$(while IFS= read -r line; do printf '%s\n' "$line"; done)
    if [ -d "$job/started" ] && [ ! -f "$job/input" ]; then
        if never_fed && ! waits_for "$4"; then
            forget
        elif [ -e "$4/input" ]; then
            feed "$4" || forget
        fi
    fi
    if [ ! -d "$job/started" ]; then
        mv -f "$4/run" "$job/run"
        if [ -e "$4/input" ]; then
            mv -f "$4/input" "$job/input"
            rm -f "$job/held"
        else
            if [ -e "$job/input" ] || [ -L "$job/input" ]; then rm -f "$job/input"; fi
            : > "$job/held"
        fi
        if mkdir "$job/started" 2>/dev/null; then
            [ -e "$job/held" ] || to_disk
            printf '%s\n' "$secrets" | setsid env -i PATH="$PATH" sh "$0" supervise "$job" "$3" >/dev/null 2>&1 &
            wait_until_born
        fi
    fi
    rm -rf "$4"
    echo "$(state) $(size) 0"
    ;;
input)
    tries=$(($3 * 20))
    while [ ! -e "$job/input" ] && [ "$tries" -gt 0 ]; do sleep 0.05; tries=$((tries - 1)); done
    [ -e "$job/input" ] || ln -s /dev/null "$job/input" 2>/dev/null
    exec cat "$job/input"
    ;;
supervise)
    trap : HUP INT TERM
    size_limit $$ > "$job/limit"
    group=$(own_cgroup)
    # Empty ones are of supervisors that were killed; one that is in use cannot be removed.
    if [ -n "$group" ]; then
        for left in "$group"/followthrough-*; do
            if [ -d "$left" ]; then rmdir "$left" 2>/dev/null; fi
        done
        if mkdir "$group/followthrough-$$"; then echo "$group/followthrough-$$" > "$job/cgroup"; fi
    fi
    echo "$$ $(started_at $$) $(boot_id)" > "$job/supervisor.new"
    mv "$job/supervisor.new" "$job/supervisor"
    while IFS= read -r line; do
        case $line in
        [A-Za-z_]*=*) export "$line" ;;
        esac
    done
    begun=$(seconds_up)
    FOLLOWTHROUGH_JOB=$job sh "$0" command "$job" "$3" > "$job/out" 2> "$job/err" < /dev/null &
    command=$!
    while :; do
        wait "$command"
        code=$?
        kill -0 "$command" 2>/dev/null || break
    done
    # Who does not heed TERM ends by KILL, and its exit code then does not say that its time was over.
    if [ "$code" -gt 128 ] && [ $(($(seconds_up) - begun)) -ge "$3" ]; then code=124; fi
    kill_members
    echo "$code" > "$job/exit.new"
    mv "$job/exit.new" "$job/exit"
    ;;
command)
    if [ -s "$job/cgroup" ]; then
        IFS= read -r group < "$job/cgroup"
        echo $$ > "$group/cgroup.procs" || { rmdir "$group"; rm "$job/cgroup"; }
    fi 2>/dev/null
    # A unit of `ulimit -f` is 512 bytes or 1024, as the shell likes. A limit that is not the one that we asked for,
    # because a smaller one was set already, is no mark: others have it too.
    read -r wanted < "$job/limit"
    ulimit -f "$((wanted / 512))" 2>/dev/null
    while read -r most file size got _; do
        if [ "$most $file $size" = "Max file size" ]; then break; fi
    done < /proc/$$/limits
    case $got in
    "$wanted" | "$((wanted * 2))") echo "$got" > "$job/limit" ;;
    *) rm "$job/limit" ;;
    esac
    exec timeout -k 10 "$3" sh "$job/run"
    ;;
poll)
    offset=$3
    rounds=$(($5 * 5))
    while :; do
        now=$(state)
        bytes=$(size)
        [ "$bytes" -gt "$offset" ] && break
        case $now in running* | held*) ;; *) break ;; esac
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
