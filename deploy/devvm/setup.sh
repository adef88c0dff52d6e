#!/bin/sh
# Prepares a Debian machine as a DevVM for Followthrough; README.md beside this file says what it makes, and why.
# Run as root. May be repeated: what is right stays, what differs is put right, nothing of others is touched.
set -eu

user=followthrough
workspace=/var/tmp/followthrough
claude_version=2.1.197
key=
from=
dry=
mark='Followthrough runner'

usage() {
    cat <<'END'
usage: setup.sh --key FILE --from ADDRESSES [--user NAME] [--workspace FOLDER] [--claude-version X.Y.Z] [--dry-run]

  --key FILE          public key whose private half is in Vault
  --from ADDRESSES    where the service connects from: addresses or networks, as in authorized_keys (10.42.0.0/16)
  --user NAME         account to make (followthrough)
  --workspace FOLDER  absolute, outside /home and /root (/var/tmp/followthrough)
  --dry-run           print every step, change nothing; needs no root
END
}

stop() {
    printf 'setup.sh: %s\n' "$1" >&2
    exit 1
}

# run COMMAND...: print it, and do it unless this is a dry run.
run() {
    printf '+ %s\n' "$*"
    [ -n "$dry" ] || "$@"
}

# as_user COMMAND...: as the account itself, with its own HOME and nothing of ours. Whatever lies in that HOME is the
# account's word: root neither runs it nor follows it.
as_user() {
    runuser -u "$user" -- env -i HOME="$home" PATH=/usr/local/bin:/usr/bin:/bin "$@"
}

# put MODE OWNER FILE: write standard input to the file, at once, when it differs.
put() {
    put_text=$(cat)
    if [ -f "$3" ] && [ "$(cat "$3")" = "$put_text" ]; then
        printf '= %s\n' "$3"
        return
    fi
    printf '+ write %s (mode %s, owner %s)\n' "$3" "$1" "$2"
    [ -z "$dry" ] || return 0
    printf '%s\n' "$put_text" | install -m "$1" -o "$2" -g "$2" /dev/stdin "$3.new"
    mv -f "$3.new" "$3"
}

read_arguments() {
    while [ $# -gt 0 ]; do
        case $1 in
        --dry-run) dry=yes && shift && continue ;;
        --help) usage && exit 0 ;;
        --key | --from | --user | --workspace | --claude-version) [ $# -gt 1 ] || stop "$1 needs a value" ;;
        *) usage >&2 && stop "there is no option $1" ;;
        esac
        case $1 in
        --key) key=$2 ;;
        --from) from=$2 ;;
        --user) user=$2 ;;
        --workspace) workspace=${2%/} ;;
        --claude-version) claude_version=$2 ;;
        esac
        shift 2
    done
}

# Everything that ends up in a file or a command is checked here, once.
check_arguments() {
    if [ -z "$key" ] || [ -z "$from" ]; then
        usage >&2
        stop '--key and --from are needed'
    fi
    case $user in *[!a-z0-9_-]* | [!a-z]* | '') stop "--user: $user is no plain account name" ;; esac
    case $from in *[!0-9A-Fa-f.:/,]*) stop '--from: addresses and networks only, separated by commas' ;; esac
    case $claude_version in *[!0-9.]* | '') stop '--claude-version: numbers and dots' ;; esac
    case $workspace in
    *[!A-Za-z0-9._/-]* | *..* | [!/]* | '') stop "--workspace: $workspace is no plain absolute path" ;;
    /home | /home/* | /root | /root/*) stop "--workspace: the agent may read nothing below /home and /root" ;;
    esac
    [ -f "$key" ] || stop "--key: there is no file $key"
    ssh-keygen -l -f "$key" >/dev/null 2>&1 || stop "--key: $key holds no public key"
    if grep -q PRIVATE "$key"; then stop "--key: $key is the private half; it belongs in Vault, not here"; fi
    public=$(awk 'NF >= 2 && $1 ~ /^(ssh|ecdsa|sk-)/ { print $1, $2; exit }' "$key")
    [ -n "$public" ] || stop "--key: the line of $key must begin with the key's type"
    [ -n "$dry" ] || [ "$(id -u)" -eq 0 ] || stop 'only root can do this; see --dry-run'
}

install_packages() {
    missing=
    for package in ca-certificates git openssh-client openssh-server; do
        state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
        [ "$state" = installed ] || missing="$missing $package"
    done
    command -v npm >/dev/null || missing="$missing npm"
    for wanted in promtool=prometheus amtool=prometheus-alertmanager; do
        command -v "${wanted%=*}" >/dev/null && continue
        missing="$missing ${wanted#*=}"
        # Of these packages only the tool is wanted: a masked server is not started, now or later.
        [ ! -d /run/systemd/system ] || run systemctl mask "${wanted#*=}.service"
    done
    [ -n "$missing" ] || return 0
    run apt-get update -q
    # shellcheck disable=SC2086 # a list of our own words
    run apt-get install -q -y --no-install-recommends $missing
}

make_user() {
    entry=$(getent passwd "$user" || true)
    home=/home/$user
    if [ -z "$entry" ]; then
        # "*" is a password that nothing matches; "!" would lock the account, and sshd without PAM refuses locked ones.
        run useradd --create-home --user-group --shell /bin/sh --password '*' --comment "$mark" "$user"
    else
        comment=$(printf %s "$entry" | cut -d: -f5)
        [ "$comment" = "$mark" ] || stop "the account $user is somebody's: choose another --user"
        home=$(printf %s "$entry" | cut -d: -f6)
        printf '= user %s\n' "$user"
    fi
    run chmod 0700 "$home"
}

make_workspace() {
    if [ ! -e "$workspace" ] && [ ! -L "$workspace" ]; then
        run mkdir -m 0700 "$workspace"
        run chown "$user:$user" "$workspace"
    elif [ -L "$workspace" ] || [ ! -d "$workspace" ] || [ "$(stat -c %U "$workspace")" != "$user" ]; then
        stop "$workspace is there and is no folder of $user"
    else
        printf '= %s\n' "$workspace"
        run as_user chmod 0700 "$workspace"
    fi
    # systemd removes old files of /var/tmp; half a git clone is worse than none.
    put 0644 root /etc/tmpfiles.d/followthrough.conf <<END
x $workspace
END
}

let_in() {
    run install -d -m 0755 /etc/ssh/authorized_keys.d
    put 0644 root "/etc/ssh/authorized_keys.d/$user" <<END
from="$from",restrict,port-forwarding,permitlisten="127.0.0.1:*" $public followthrough
END
    put 0644 root /etc/ssh/sshd_config.d/followthrough.conf <<END
Match User $user
    AuthorizedKeysFile /etc/ssh/authorized_keys.d/%u
    AuthenticationMethods publickey
    PasswordAuthentication no
    KbdInteractiveAuthentication no
    AllowTcpForwarding remote
    PermitListen 127.0.0.1:*
    AllowAgentForwarding no
    AllowStreamLocalForwarding no
    X11Forwarding no
    PermitTunnel no
    PermitTTY no
    PermitUserRC no
    MaxSessions 100
END
    grep -Eqi '^[[:space:]]*Include[[:space:]]+/etc/ssh/sshd_config\.d/' /etc/ssh/sshd_config 2>/dev/null ||
        printf '! put this line at the top of /etc/ssh/sshd_config: Include /etc/ssh/sshd_config.d/*.conf\n'
    run install -d -m 0755 /run/sshd
    run /usr/sbin/sshd -t
    if [ -d /run/systemd/system ]; then
        run systemctl reload ssh
    else
        printf '! reload sshd: there is no systemd here to do it\n'
    fi
}

install_claude() {
    if has_claude; then
        printf '= Claude Code %s\n' "$claude_version"
        return
    fi
    # Behind a proxy, perhaps with a CA of its own, npm has to be told.
    run as_user env HTTPS_PROXY="${HTTPS_PROXY:-}" NODE_EXTRA_CA_CERTS="${NODE_EXTRA_CA_CERTS:-}" \
        npm install --global --prefix "$home/.local" "@anthropic-ai/claude-code@$claude_version"
    [ -n "$dry" ] || has_claude || stop "npm ended well, but $home/.local/bin/claude does not run as $claude_version"
}

has_claude() {
    [ -d "$home/.local" ] || return 1
    case $(as_user "$home/.local/bin/claude" --version 2>/dev/null || true) in
    "$claude_version "*) return 0 ;;
    *) return 1 ;;
    esac
}

make_deploy_key() {
    if [ -e "$home/.ssh/followthrough_deploy" ]; then
        printf '= %s\n' "$home/.ssh/followthrough_deploy"
        return
    fi
    run as_user mkdir -p -m 0700 "$home/.ssh"
    comment=followthrough-deploy@$(uname -n)
    run as_user ssh-keygen -q -t ed25519 -N '' -C "$comment" -f "$home/.ssh/followthrough_deploy"
    # shellcheck disable=SC2016 # HOME is the account's, and expands there
    run as_user sh -c '[ -e "$HOME/.ssh/config" ] ||
        printf "IdentityFile ~/.ssh/followthrough_deploy\nIdentitiesOnly yes\n" > "$HOME/.ssh/config"'
}

report() {
    printf '\nDeploy key, to be added to the repository with write access:\n'
    [ -n "$dry" ] || as_user cat "$home/.ssh/followthrough_deploy.pub"
    [ -z "$dry" ] || printf '(made when this is no dry run)\n'
    host_key=/etc/ssh/ssh_host_ed25519_key.pub
    if [ ! -f "$host_key" ]; then
        printf '! there is no %s: run ssh-keygen -A, then this again\n' "$host_key"
        return
    fi
    printf '\nHost key of this machine, to compare with:\n'
    ssh-keygen -l -f "$host_key"
    printf '\nFor followthrough.toml:\n\n[[devvm]]\nname = "devvm"\nhost = "%s"\nuser = "%s"\n' "$(uname -n)" "$user"
    printf 'host_key = "%s"\nworkspace = "%s"\n' "$(cut -d' ' -f1,2 "$host_key")" "$workspace"
}

read_arguments "$@"
check_arguments
make_user
install_packages
make_workspace
let_in
install_claude
make_deploy_key
report
