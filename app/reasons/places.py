"""Vault, DevVM, forge, database and disk: what does not answer, and what says no."""

from __future__ import annotations

TABLE: dict[str, tuple[str, str]] = {
    "vault-unreachable": (
        "Vault does not answer.",
        "Look whether Vault runs and can be reached from where the service runs.",
    ),
    "vault-sealed": ("Vault is sealed or not ready.", "Unseal it."),
    "vault-tls": ("Vault's certificate is not trusted.", "Check `vault.url` and the authority that signed it."),
    "vault-error": ("Vault answered in a way that nobody foresaw.", "Read the sentence and Vault's log."),
    "vault-unreadable": ("What is at that address does not answer as Vault does.", "Correct `vault.url`."),
    "vault-no-jwt": ("There is no service-account token to log in with.", "Mount it, or set `vault.jwt_file`."),
    "vault-login-refused": (
        "Vault refused the login with the service-account token.",
        "Compare the role's service account, namespace and audience with the pod's; see that Vault can review tokens.",
    ),
    "vault-token-expired": (
        "The service-account token has expired; the file is read again on each try.",
        "Find out why it is not renewed.",
    ),
    "vault-clock-skew": (
        "The service-account token is not valid yet: clocks differ.",
        "Set the clocks of the node and of Vault.",
    ),
    "vault-read-refused": (
        "The role's policy does not let it read the secret.",
        "Write the policy in deploy/kubernetes/vault-policy.hcl for this path.",
    ),
    "vault-no-secret": (
        "There is no such secret, or the mount is no KV version 2.",
        "Write the secret, or correct `vault.kv_mount` and `vault.path`.",
    ),
    "vault-no-field": ("The secret lacks a field.", "Write the field, or correct the setting that names it."),
    "devvm-unreachable": (
        "The DevVM does not answer over SSH.",
        "Look whether it runs, and whether a firewall or network policy is between.",
    ),
    "devvm-connection-lost": (
        "The connection to the DevVM was lost; jobs there go on and are followed again.",
        "Nothing, when it comes back within `server.patience_minutes`.",
    ),
    "devvm-drained": (
        "All DevVMs are drained, so no run begins.",
        "Put one back: `followthrough devvms undrain NAME`.",
    ),
    "devvm-gone": (
        "The DevVM that has the run is not in the configuration any more.",
        "Put it back until its runs are over, then retry.",
    ),
    "devvm-host-invalid": ("The DevVM's address is no host name.", "Correct `devvm.host`."),
    "devvm-host-key-changed": (
        "The DevVM shows another host key than the pinned one.",
        "Find out why before anything else. When it was installed anew, pin the new key in `devvm.host_key`.",
    ),
    "devvm-host-key-unreadable": (
        "The pinned host key cannot be read.",
        "Write type and base64 into `devvm.host_key`, as setup.sh prints them.",
    ),
    "devvm-key-refused": (
        "The DevVM does not take the key from Vault.",
        "Put its public half on the DevVM, as deploy/devvm/setup.sh does.",
    ),
    "devvm-key-encrypted": ("The key in Vault has a passphrase.", "Store one without."),
    "devvm-key-unreadable": (
        "The key in Vault is no private key that can be read.",
        "Store it in OpenSSH's form, with its line ends.",
    ),
    "devvm-no-forwarding": (
        "The DevVM's sshd does not let us listen on its loopback, which the test of the cage needs.",
        "Allow remote forwarding to the loopback, as deploy/devvm/setup.sh does.",
    ),
    "devvm-command-failed": (
        "A command of ours failed on the DevVM.",
        "Read the sentence; `followthrough doctor` tries every part.",
    ),
    "devvm-output-too-large": ("More came from the DevVM than is read.", "Find out what prints so much."),
    "devvm-object-differs": (
        "What came from the DevVM is not what its id says.",
        "Look at the DevVM's disk, and who is on it.",
    ),
    "devvm-disk-nearly-full": (
        "The DevVM's workspace has too little room, so no run begins there.",
        "Make room, or lower `devvm.least_free_mib`.",
    ),
    "devvm-room-unknown": (
        "The DevVM does not say how much room it has.",
        "See that `stat -f` works there as the service's user.",
    ),
    "devvm-no-agent": ("Claude Code does not run on the DevVM.", "Install it, or set `devvm.claude`."),
    "devvm-no-terraform": (
        "Neither terraform nor what stands for it is on the DevVM.",
        "Install it, or correct `devvm.path`.",
    ),
    "devvm-no-tool": ("A program that is needed is not on the DevVM.", "Install it; setup.sh does."),
    "workspace-full": ("The workspace has too little room.", "Make room on that disk."),
    "workspace-in-home": (
        "The workspace lies inside HOME, which the agent may not read.",
        "Move it: `devvm.workspace`.",
    ),
    "workspace-unusable": ("The workspace is not the user's own folder.", "Make it with mode 700, owned by that user."),
    "workspace-unsafe": ("The workspace could be changed by others.", "Give it to the user alone, with mode 700."),
    "workspace-lost": (
        "The run's worktree is gone from the DevVM.",
        "Find out who removes files there; then retry the run.",
    ),
    "disk-nearly-full": (
        "The machine that executes has too little room, so no run begins.",
        "Make room, or lower `server.least_free_mib`.",
    ),
    "database-unreachable": (
        "The database does not answer.",
        "Look whether it runs and whether `database.url` is right.",
    ),
    "database-unavailable": (
        "The database did not answer this request.",
        "Try again; look at the database when it stays so.",
    ),
    "database-too-new": (
        "The database was brought to a newer schema than this version knows.",
        "Install the version that did it, or put the backup back.",
    ),
    "fetch-failed": (
        "The forge did not give what was asked of it.",
        "Look whether it can be reached and whether the login for git is right.",
    ),
    "file-gone": ("The file is not in the repository at that commit.", "Nothing, unless it was removed by mistake."),
    "repository-gone": (
        "The repository is not in the configuration any more.",
        "Put it back, then replay the delivery or retry the run.",
    ),
    "already-running": (
        "Another process of this name, or one that does not go with this one, is running on this database.",
        "End it first; give each worker a name of its own.",
    ),
}
