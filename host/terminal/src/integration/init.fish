# Quarterdeck's shell integration for fish, sourced after the user's own files.
#
# What runs for each prompt uses builtins only. The key lives in unexported
# variables, and the host deletes this file as soon as fish has read it.

set -g __quarterdeck_key @KEY@
set -g __quarterdeck_prompt 0
builtin printf '\e]133;H;q=%s;n=0;ask=1\a' $__quarterdeck_key

function __quarterdeck_prompting --on-event fish_prompt
    set -l fish_trace
    # Somebody may have defined another prompt since.
    if not builtin functions fish_prompt | builtin string match -q '*__quarterdeck_user_prompt_*'
        __quarterdeck_wrap_prompt
    end
    set -g __quarterdeck_prompt (builtin math $__quarterdeck_prompt + 1)
    builtin printf '\e]133;A;q=%s;n=%d;cwd=u:%s\a' $__quarterdeck_key $__quarterdeck_prompt (builtin string escape --style=url -- $PWD)
end

# ctrl-c: fish has drawn the fresh prompt already, with the old number.
function __quarterdeck_cancelled --on-event fish_cancel
    set -l fish_trace
    __quarterdeck_prompting
    builtin commandline -f repaint
end

function __quarterdeck_started --on-event fish_preexec
    set -l fish_trace
    builtin printf '\e]133;C;q=%s;n=%d;line=u:%s\a' $__quarterdeck_key $__quarterdeck_prompt (builtin string escape --style=url -- $argv[1])
end

function __quarterdeck_ended --on-event fish_postexec
    set -l ended $status
    set -l fish_trace
    builtin printf '\e]133;D;%d;q=%s;n=%d\a' $ended $__quarterdeck_key $__quarterdeck_prompt
end

# tmux throws away what it has not read yet when the pane's program ends. It answers the
# question where the cursor is once it has read all that was written before.
if set -q TMUX
    function __quarterdeck_leaving --on-event fish_exit
        command sh -c 'stty -icanon -echo min 0 time 20 && printf "\\033[6n" &&
            until case $(dd bs=64 count=1) in "" | *R*) ;; *) false ;; esac; do :; done' </dev/tty >/dev/tty 2>/dev/null
    end
end

# Has the prompt end with its mark. Each prompt that is wrapped gets a name of its own,
# because a later one may call it, as that of a virtual environment does. It runs in a
# command substitution, which leaves it $status and $pipestatus as they were.
function __quarterdeck_wrap_prompt
    set -g __quarterdeck_wrapped (builtin math $__quarterdeck_wrapped + 1)
    set -l wrapped __quarterdeck_user_prompt_$__quarterdeck_wrapped
    builtin functions -c fish_prompt $wrapped
    builtin eval "function fish_prompt
        set -l fish_trace
        set -l shown ($wrapped | builtin string collect)
        builtin printf '%s\e]133;B;q=%s;n=%d\a' \"\$shown\" \$__quarterdeck_key \$__quarterdeck_prompt
    end"
end
set -g __quarterdeck_wrapped 0
__quarterdeck_wrap_prompt

# Bound to private key sequences, whose number it is given: tells the host what
# the line holds.
function __quarterdeck_line
    set -l fish_trace
    set -l line (builtin commandline --current-buffer | builtin string collect --no-trim-newlines)
    set -l escaped (builtin string escape --style=url -- "$line")
    # One line break too many: the line of an unfinished command may end with its own.
    set escaped (builtin string replace --regex '%0A$' '' -- $escaped)
    # Where vi's editor would take text for commands.
    set -l commands 0
    if builtin test "$fish_bind_mode" = default
        and builtin string match -qr 'vi|hybrid' -- "$fish_key_bindings"
        set commands 1
    end
    builtin printf '\e]133;L;q=%s;n=%d;a=%d;v=%d;line=u:%s\a' \
        $__quarterdeck_key $__quarterdeck_prompt $argv[1] $commands $escaped
end

# Throws away what the line holds, and has vi's editor read text again.
function __quarterdeck_discard
    if builtin string match -qr 'vi|hybrid' -- "$fish_key_bindings"
        set fish_bind_mode insert
    end
    commandline -f cancel-commandline
end

# fish has no second prompt: an unfinished line simply stays in the editor.
function __quarterdeck_accept
    # To fish an empty line is not valid, yet it is nothing to complain about.
    if not builtin commandline --current-buffer | builtin string match -qr '\S'
        builtin commandline -f execute
        return
    end
    builtin commandline --is-valid
    switch $status
        case 2
            builtin printf '\e]133;A;k=s;q=%s;n=%d\a' $__quarterdeck_key $__quarterdeck_prompt
        case 1
            # fish would keep a line that it cannot parse in its editor. Take it
            # away, as other shells do, once fish has said what is wrong with it. The
            # first two sequences are how others say that they let go of a line.
            builtin printf '\e[?2004l\e[?2004h\n'
            set -l fish (status fish-path)
            $fish --no-execute -c (builtin commandline --current-buffer | builtin string collect)
            builtin printf '\e]133;D;127;q=%s;n=%d\a' $__quarterdeck_key $__quarterdeck_prompt
            builtin commandline ''
            __quarterdeck_prompting
            builtin commandline -f repaint
        case '*'
            builtin commandline -f execute
    end
end

# A key that runs something by itself would run it unseen: what the host judges is a
# line at its Enter. So keys that somebody has bound to commands do what they do in a
# plain fish; those bound to the editor's own functions stay.
function __quarterdeck_only_enter_runs
    set -l functions (bind --function-names)
    for binding in (bind --user)
        # What fish prints here is quoted for its own use.
        eval set -l words (string sub -s 6 -- $binding)
        set -l keys
        set -l mode default
        set -l own
        while set -q words[1]
            switch $words[1]
                case -M --mode
                    set mode $words[2]
                    set -e words[1]
                case -m --sets-mode
                    set -e words[1]
                case -k --key
                    set keys -k $words[2]
                    set -e words[1]
                case '-*'
                case '*'
                    if not set -q keys[1]
                        set keys $words[1]
                    else if not contains -- $words[1] $functions; or test $words[1] = execute
                        set own yes
                    end
            end
            set -e words[1]
        end
        if set -q own[1]
            bind --erase --user -M $mode $keys
        end
    end
end
__quarterdeck_only_enter_runs
functions -e __quarterdeck_only_enter_runs

for __quarterdeck_mode in default insert visual replace
    for __quarterdeck_question in 113 117 118 119
        bind -M $__quarterdeck_mode \e\[27\;7\;$__quarterdeck_question~ "__quarterdeck_line $__quarterdeck_question"
    end
    bind -M $__quarterdeck_mode \e\[27\;7\;114~ __quarterdeck_accept
    bind -M $__quarterdeck_mode \e\[27\;7\;115~ __quarterdeck_discard
    # fish 4 reads these sequences as keys before it looks for bindings.
    if not string match -qr '^[0-3]\.' -- $version
        bind -M $__quarterdeck_mode ctrl-alt-q '__quarterdeck_line 113'
        bind -M $__quarterdeck_mode ctrl-alt-u '__quarterdeck_line 117'
        bind -M $__quarterdeck_mode ctrl-alt-v '__quarterdeck_line 118'
        bind -M $__quarterdeck_mode ctrl-alt-w '__quarterdeck_line 119'
        bind -M $__quarterdeck_mode ctrl-alt-r __quarterdeck_accept
        bind -M $__quarterdeck_mode ctrl-alt-s __quarterdeck_discard
    end
end
set -e __quarterdeck_mode
set -e __quarterdeck_question
# Before fish 4 a paste is made of keys. Those that are not simply inserted take
# a command each, which makes a long script take minutes, and a tabulator is
# dropped.
for __quarterdeck_plain in \' \\ ' '
    bind -M paste $__quarterdeck_plain self-insert
end
set -e __quarterdeck_plain
bind -M paste \t 'commandline -i \t'
