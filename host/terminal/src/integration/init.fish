# Quarterdeck's shell integration for fish, sourced after the user's own files.
#
# Builtins only: what is here runs for each prompt. The key lives in unexported
# variables, and the host deletes this file as soon as fish has read it.

set -g __quarterdeck_key @KEY@
set -g __quarterdeck_prompt 0
printf '\e]133;H;q=%s;n=0;ask=1\a' $__quarterdeck_key

function __quarterdeck_prompting --on-event fish_prompt --on-event fish_cancel
    set -g __quarterdeck_prompt (math $__quarterdeck_prompt + 1)
    printf '\e]133;A;q=%s;n=%d;cwd=u:%s\a' $__quarterdeck_key $__quarterdeck_prompt (string escape --style=url -- $PWD)
end

function __quarterdeck_started --on-event fish_preexec
    printf '\e]133;C;q=%s;n=%d;line=u:%s\a' $__quarterdeck_key $__quarterdeck_prompt (string escape --style=url -- $argv[1])
end

function __quarterdeck_ended --on-event fish_postexec
    printf '\e]133;D;%d;q=%s;n=%d\a' $status $__quarterdeck_key $__quarterdeck_prompt
end

# fish keeps a line that it cannot parse: take it away, as other shells do.
function __quarterdeck_refused --on-event fish_posterror
    printf '\e]133;D;127;q=%s;n=%d\a' $__quarterdeck_key $__quarterdeck_prompt
    commandline ''
    __quarterdeck_prompting
end

# The prompt runs in a command substitution, which leaves it $status and
# $pipestatus as they were.
functions -c fish_prompt __quarterdeck_user_prompt
function fish_prompt
    set -l shown (__quarterdeck_user_prompt)
    printf '%s\e]133;B;q=%s;n=%d\a' (string join \n -- $shown | string collect) $__quarterdeck_key $__quarterdeck_prompt
end

# Bound to a private key sequence: tells the host what the line holds.
function __quarterdeck_line
    printf '\e]133;L;q=%s;n=%d;line=u:%s\a' $__quarterdeck_key $__quarterdeck_prompt (commandline --current-buffer | string collect | string escape --style=url)
end

# fish has no second prompt: an unfinished line simply stays in the editor.
function __quarterdeck_accept
    commandline --is-valid
    switch $status
        case 2
            printf '\e]133;A;k=s;q=%s;n=%d\a' $__quarterdeck_key $__quarterdeck_prompt
        case 1
            printf '\e]133;C;q=%s;n=%d\a' $__quarterdeck_key $__quarterdeck_prompt
            commandline -f execute
        case '*'
            commandline -f execute
    end
end

for __quarterdeck_mode in default insert visual replace
    bind -M $__quarterdeck_mode \e\[27\;7\;113~ __quarterdeck_line
    bind -M $__quarterdeck_mode \e\[27\;7\;114~ __quarterdeck_accept
    # fish 4 reads these sequences as keys before it looks for bindings.
    if not string match -qr '^[0-3]\.' -- $version
        bind -M $__quarterdeck_mode ctrl-alt-q __quarterdeck_line
        bind -M $__quarterdeck_mode ctrl-alt-r __quarterdeck_accept
    end
end
set -e __quarterdeck_mode
