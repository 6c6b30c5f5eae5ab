# Quarterdeck's shell integration for bash: the rc file of one session.
#
# What is here runs for each prompt, so nothing may fork. The key makes a mark
# ours: it lives in unexported variables only, and the host deletes this file
# as soon as bash has read it.

__quarterdeck_key=@KEY@
__quarterdeck_prompt=0
__quarterdeck_first='{ __quarterdeck_ended; } 3>&2 2>/dev/null'
__quarterdeck_last='{ __quarterdeck_prompting; } 3>&2 2>/dev/null'
# The marks' beginnings; the prompt's number, `__quarterdeck_n`, is behind each.
__quarterdeck_d=$'\e]133;D;'
__quarterdeck_a=$'\e]133;A;q='$__quarterdeck_key';n='
__quarterdeck_b=$'\e]133;B;q='$__quarterdeck_key';n='
__quarterdeck_c=$'\e]133;C;q='$__quarterdeck_key';n='
__quarterdeck_k=$'\e]133;A;k=s;q='$__quarterdeck_key';n='
__quarterdeck_l=$'\e]133;L;q='$__quarterdeck_key';n='
__quarterdeck_n=$'0\a'
# What was looked after at the last prompt.
__quarterdeck_seen=
# What the line holds is known to bash from version 4 on. Having said it, bash
# draws the prompt again; until then it would lose a ctrl-c.
__quarterdeck_ask=$((BASH_VERSINFO[0] >= 4 ? 2 : 0))
builtin printf '\e]133;H;q=%s;n=0;ask=%s\a' "$__quarterdeck_key" "$__quarterdeck_ask"

# Marks go to the terminal, wherever `exec` has the output go.
__quarterdeck_tell() {
    if [[ -t 1 ]]; then
        builtin printf %s "$1"
    else
        builtin printf %s "$1" >/dev/tty
    fi
}

# First in PROMPT_COMMAND: a command has ended, or a line was empty. What `set -x` tells
# of it is nobody's output, and would tell the key: neither where it usually goes, which
# is closed to it here and in the other hooks, nor where BASH_XTRACEFD has it go.
__quarterdeck_ended() {
    builtin local __quarterdeck_status=${1:-$?}
    [[ $- != *x* ]] || { builtin local - && builtin set +x; }
    __quarterdeck_armed=
    __quarterdeck_tell "$__quarterdeck_d$__quarterdeck_status;q=$__quarterdeck_key;n=$__quarterdeck_n"
    builtin return "$__quarterdeck_status"
}

# Last in PROMPT_COMMAND: the prompt is about to be shown.
__quarterdeck_prompting() {
    builtin local __quarterdeck_status=$? __quarterdeck_ask_now=0
    [[ $- != *x* ]] || { builtin local - && builtin set +x; }
    # Whoever runs a command waits for this, so while nothing changes it is one comparison
    # (by `[`, because `[[` may have been told not to tell A from a).
    builtin [ "$__quarterdeck_seen" = "$-;${PWD-};${PROMPT_COMMAND[*]-};${PS0-};${PS1-};${PS2-};${BASHOPTS-$__quarterdeck_n}" ] ||
        __quarterdeck_look "$__quarterdeck_status"
    __quarterdeck_prompt=$((__quarterdeck_prompt + 1)) __quarterdeck_n=$__quarterdeck_prompt$'\a' __quarterdeck_armed=yes
    __quarterdeck_tell "$__quarterdeck_a$__quarterdeck_prompt;cwd=q:$__quarterdeck_cwd"$'\a'
    # Without its editor nobody can be asked: the keys would be part of the line.
    [[ -z ${__quarterdeck_asked-} || ! ( -o emacs || -o vi ) ]] || __quarterdeck_ask_now=2
    if ((__quarterdeck_ask != __quarterdeck_ask_now)); then
        __quarterdeck_ask=$__quarterdeck_ask_now
        __quarterdeck_tell $'\e]133;H;q='"$__quarterdeck_key;n=$__quarterdeck_prompt;ask=$__quarterdeck_ask"$'\a'
    fi
    # bash shows its prompt, with the marks in it, where errors go.
    [[ -t 3 ]] || __quarterdeck_tell "$__quarterdeck_b$__quarterdeck_n"
    builtin return "$__quarterdeck_status"
}

# Something is not as it was at the last prompt.
__quarterdeck_look() {
    builtin local __quarterdeck_next=$((__quarterdeck_prompt + 1))$'\a'
    builtin local __quarterdeck_in_ps0 __quarterdeck_in_ps1 __quarterdeck_in_ps2
    # A comment that is judged as one must be one, whatever was set meanwhile.
    builtin shopt -s interactive_comments
    if [[ -n ${__quarterdeck_array-} ]]; then
        # Somebody has assigned a string to PROMPT_COMMAND, which is to assign
        # to its first element. What is done here counts from the next prompt on.
        if [[ ${PROMPT_COMMAND[0]-} != "$__quarterdeck_first"* ]]; then
            __quarterdeck_ended "$1"
            PROMPT_COMMAND[0]=$__quarterdeck_first$'\n'${PROMPT_COMMAND[0]-}
        fi
        # Something was added behind our last element: follow it, because it may
        # rewrite PS1.
        if [[ ${PROMPT_COMMAND[${#PROMPT_COMMAND[@]} - 1]-} != "$__quarterdeck_last" ]]; then
            PROMPT_COMMAND+=("$__quarterdeck_last")
        fi
    fi
    builtin printf -v __quarterdeck_cwd %q "${PWD-}"
    __quarterdeck_cwd=${__quarterdeck_cwd//;/$'\177'}
    # The prompts name the variables instead of holding the marks, so that
    # `echo "$PS1"` shows no key. Where prompts are not expanded they must.
    if builtin shopt -q promptvars; then
        __quarterdeck_in_ps0='${__quarterdeck_c-}${__quarterdeck_n-}'
        __quarterdeck_in_ps1='\[${__quarterdeck_b-}${__quarterdeck_n-}\]'
        __quarterdeck_in_ps2='\[${__quarterdeck_k-}${__quarterdeck_n-}\]'
    else
        __quarterdeck_in_ps0=$__quarterdeck_c$__quarterdeck_next
        __quarterdeck_in_ps1='\['$__quarterdeck_b$__quarterdeck_next'\]'
        __quarterdeck_in_ps2='\['$__quarterdeck_k$__quarterdeck_next'\]'
    fi
    # What holds its mark already is left alone: somebody may have made it read-only.
    [[ ${PS0-} == *"$__quarterdeck_in_ps0" ]] ||
        PS0=${PS0-} PS0=${PS0%"${__quarterdeck_was_in_ps0-}"}$__quarterdeck_in_ps0
    [[ ${PS1-} == *"$__quarterdeck_in_ps1" ]] ||
        PS1=${PS1-} PS1=${PS1%"${__quarterdeck_was_in_ps1-}"}$__quarterdeck_in_ps1
    [[ ${PS2-} == *"$__quarterdeck_in_ps2" ]] ||
        PS2=${PS2-} PS2=${PS2%"${__quarterdeck_was_in_ps2-}"}$__quarterdeck_in_ps2
    __quarterdeck_was_in_ps0=$__quarterdeck_in_ps0
    __quarterdeck_was_in_ps1=$__quarterdeck_in_ps1
    __quarterdeck_was_in_ps2=$__quarterdeck_in_ps2
    __quarterdeck_seen=
    if [[ $- == *a* ]]; then
        # What is assigned is exported, and a child could forge marks.
        builtin export -n __quarterdeck_key __quarterdeck_a __quarterdeck_b __quarterdeck_c \
            __quarterdeck_k __quarterdeck_l __quarterdeck_was_in_ps0 __quarterdeck_was_in_ps1 \
            __quarterdeck_was_in_ps2 __quarterdeck_seen
    elif builtin shopt -q promptvars; then
        __quarterdeck_seen="$-;${PWD-};${PROMPT_COMMAND[*]-};$PS0;$PS1;$PS2;${BASHOPTS-}"
    fi
}

# Bound to private key sequences, whose number it is given: tells the host what
# the line holds. Also 1 where vi's editor would take text for commands. bash parses the
# bound command in the state of the line before, where `{` may be a word: errors are closed here.
__quarterdeck_line() {
    builtin local __quarterdeck_status=$? __quarterdeck_held
    [[ $- != *x* ]] || { builtin local - && builtin set +x; }
    # Somebody has emptied PROMPT_COMMAND.
    [[ ${PROMPT_COMMAND[*]-} == *__quarterdeck_prompting* ]] || __quarterdeck_hook
    builtin printf -v __quarterdeck_held %q "$READLINE_LINE"
    __quarterdeck_tell "$__quarterdeck_l$__quarterdeck_prompt;a=$1;v=${2-0};line=q:${__quarterdeck_held//;/$'\177'}"$'\a'
    [[ -t 3 ]] || __quarterdeck_tell "$__quarterdeck_b$__quarterdeck_n"
    builtin return "$__quarterdeck_status"
} 3>&2 2>/dev/null

__quarterdeck_hook() {
    if ((BASH_VERSINFO[0] > 5 || BASH_VERSINFO[0] == 5 && BASH_VERSINFO[1] >= 1)); then
        __quarterdeck_array=yes
        PROMPT_COMMAND=("$__quarterdeck_first" "${PROMPT_COMMAND[@]}" "$__quarterdeck_last")
    else
        PROMPT_COMMAND=$__quarterdeck_first$'\n'"${PROMPT_COMMAND-}"$'\n'$__quarterdeck_last
    fi
}

# bash before 4.4 has no PS0: the first command after a prompt tells. Before 4.0 nobody
# asks what the line holds, so here PROMPT_COMMAND is put back, too.
__quarterdeck_debug() {
    # Assigning to what has become read-only would end the command.
    [[ ${PROMPT_COMMAND-} == *__quarterdeck_prompting* ||
        $(builtin declare -p PROMPT_COMMAND) == "declare -"*r*" PROMPT_COMMAND="* ]] ||
        __quarterdeck_hook
    [[ $BASH_COMMAND != __quarterdeck_line* ]] || builtin return 0
    [[ -n ${__quarterdeck_armed-} && -z ${COMP_LINE-} ]] || builtin return 0
    __quarterdeck_armed=
    [[ $BASH_COMMAND == __quarterdeck_* ]] || __quarterdeck_tell "$__quarterdeck_c$__quarterdeck_n"
}

# A key that runs something by itself would run it unseen: what the host judges is
# a line at its Enter. So keyboard macros, editors that run what was edited, and
# keys that somebody has bound to commands or to text with an Enter do nothing here.
__quarterdeck_only_enter_runs() {
    builtin local map function binding
    builtin local bound='^"(([^"\\]|\\.)*)": "(.*)"$' enters='(^|[^\\])(\\\\)*\\(C-m|C-j|C-o|r|n)'
    for map in emacs vi-insert vi-command; do
        for function in start-kbd-macro end-kbd-macro call-last-kbd-macro edit-and-execute-command \
            vi-edit-and-execute-command shell-expand-line insert-comment execute-named-command \
            re-read-init-file accept-line; do
            builtin bind -m "$map" -u "$function"
        done
        builtin bind -m "$map" '"\C-m": accept-line'
        builtin bind -m "$map" '"\C-j": accept-line'
        while builtin read -r binding; do
            [[ $binding =~ $bound && ${BASH_REMATCH[3]} =~ $enters ]] || builtin continue
            [[ $binding =~ $bound ]] && __quarterdeck_unbind "$map" "${BASH_REMATCH[1]}"
        done <<<"$(builtin bind -m "$map" -s)"
        while builtin read -r binding; do
            [[ ! $binding =~ $bound ]] || __quarterdeck_unbind "$map" "${BASH_REMATCH[1]}"
        done <<<"$(builtin bind -m "$map" -X)"
    done
}

# History programs take these keys; what they do in a plain bash is missed most.
__quarterdeck_unbind() {
    builtin bind -m "$1" -r "$2"
    case $2 in
        '\e[A' | '\eOA' | '\C-p') builtin bind -m "$1" "\"$2\": previous-history" ;;
        '\e[B' | '\eOB' | '\C-n') builtin bind -m "$1" "\"$2\": next-history" ;;
        '\C-r') builtin bind -m "$1" '"\C-r": reverse-search-history' ;;
        '\C-i') builtin bind -m "$1" '"\C-i": complete' ;;
    esac
}

# tmux throws away what it has not read yet when the pane's program ends. It answers the
# question where the cursor is once it has read all that was written before.
__quarterdeck_leaving() {
    builtin local status=$?
    builtin command sh -c 'stty -icanon -echo min 0 time 20 && printf "\033[6n" &&
        until case $(dd bs=64 count=1) in "" | *R*) ;; *) false ;; esac; do :; done' </dev/tty >/dev/tty 2>/dev/null
    builtin return "$status"
}
# Before the user's own files, which may want the trap for themselves.
[[ -z ${TMUX-} ]] || builtin trap __quarterdeck_leaving EXIT

if [[ @LOGIN@ == yes ]]; then
    [[ -r /etc/profile ]] && builtin source /etc/profile
    for __quarterdeck_rc in ~/.bash_profile ~/.bash_login ~/.profile; do
        if [[ -r $__quarterdeck_rc ]]; then
            builtin source "$__quarterdeck_rc"
            builtin break
        fi
    done
    builtin unset __quarterdeck_rc
else
    [[ -r ~/.bashrc ]] && builtin source ~/.bashrc
fi

# The user's files may have it end at the first error.
__quarterdeck_errexit=$-
builtin set +e

# What is typed is what runs: no expansion of `!`.
builtin set +H

if [[ -o emacs || -o vi ]]; then
    builtin bind 'set enable-bracketed-paste on' 2>/dev/null
    builtin bind 'set enable-active-region off' 2>/dev/null
    if ((BASH_VERSINFO[0] >= 4)); then
        __quarterdeck_asked=yes
        __quarterdeck_only_enter_runs 2>/dev/null
        for __quarterdeck_map in emacs vi-insert vi-command; do
            __quarterdeck_commands=0
            [[ $__quarterdeck_map != vi-command ]] || __quarterdeck_commands=1
            for __quarterdeck_question in 113 117 118 119; do
                builtin bind -m "$__quarterdeck_map" -x "\"\\e[27;7;$__quarterdeck_question~\": __quarterdeck_line $__quarterdeck_question $__quarterdeck_commands"
            done
            # Does nothing, but ends a search in the history; the question right
            # after it would otherwise be looked up together with the search's key.
            builtin bind -m "$__quarterdeck_map" '"\e[27;7;116~": ""'
            # The same where Escape was typed before it and waits for another key.
            builtin bind -m "$__quarterdeck_map" '"\e\e[27;7;116~": ""'
        done
        builtin bind -m emacs '"\C-x\e[27;7;116~": ""'
        builtin unset __quarterdeck_map __quarterdeck_question __quarterdeck_commands
        builtin unset -f __quarterdeck_only_enter_runs __quarterdeck_unbind
    fi
fi

# What the user's files have made read-only holds no mark: then the shell is one of which
# only what it shows is known.
if builtin printf -v PROMPT_COMMAND %s "${PROMPT_COMMAND-}" && builtin printf -v PS0 %s "${PS0-}" &&
    builtin printf -v PS1 %s "${PS1-}" && builtin printf -v PS2 %s "${PS2-}"; then
    __quarterdeck_hook
    if ((BASH_VERSINFO[0] < 4 || BASH_VERSINFO[0] == 4 && BASH_VERSINFO[1] < 4)); then
        [[ -n $(builtin trap -p DEBUG) ]] || builtin trap '{ __quarterdeck_debug; } 2>/dev/null' DEBUG
    fi
else
    builtin printf '\e]133;X;q=%s;n=0\a' "$__quarterdeck_key"
fi 2>/dev/null
[[ $__quarterdeck_errexit != *e* ]] || builtin set -e
builtin unset __quarterdeck_errexit
# The first prompt says nothing about what the rc file returned.
builtin true
