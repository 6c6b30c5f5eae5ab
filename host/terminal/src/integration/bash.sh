# Quarterdeck's shell integration for bash: the rc file of one session.
#
# What is here runs for each prompt, so nothing may fork. The key makes a mark
# ours: it lives in unexported variables only, and the host deletes this file
# as soon as bash has read it.

__quarterdeck_key=@KEY@
__quarterdeck_prompt=0
__quarterdeck_first='{ __quarterdeck_ended; } 3>&2 2>/dev/null'
__quarterdeck_last='{ __quarterdeck_prompting; } 3>&2 2>/dev/null'
# What the prompts were left as; no prompts at first, not even empty ones.
__quarterdeck_prompts=$__quarterdeck_key
# What the line holds is known to bash from version 4 on. Having said it, bash
# draws the prompt again; until then it would lose a ctrl-c.
builtin printf '\e]133;H;q=%s;n=0;ask=%s\a' "$__quarterdeck_key" "$((BASH_VERSINFO[0] >= 4 ? 2 : 0))"

# Marks go to the terminal, wherever `exec` has the output go.
__quarterdeck_tell() {
    if [[ -t 1 ]]; then
        builtin printf "$@"
    else
        builtin printf "$@" >/dev/tty
    fi
}

# First in PROMPT_COMMAND: a command has ended, or a line was empty. What `set -x` tells
# of it is nobody's output, and would tell the key: neither where it usually goes, which
# is closed to it in PROMPT_COMMAND, nor where BASH_XTRACEFD has it go.
__quarterdeck_ended() {
    builtin local status=${1:-$?}
    [[ $- != *x* ]] || { builtin local - && builtin set +x; }
    __quarterdeck_armed=
    __quarterdeck_tell '\e]133;D;%d;q=%s;n=%d\a' "$status" "$__quarterdeck_key" "$__quarterdeck_prompt"
    builtin return "$status"
}

# Last in PROMPT_COMMAND: the prompt is about to be shown.
__quarterdeck_prompting() {
    builtin local status=$? cwd b c k
    [[ $- != *x* ]] || { builtin local - && builtin set +x; }
    # A comment that is judged as one must be one, whatever was set meanwhile.
    builtin shopt -s interactive_comments
    if [[ -n ${__quarterdeck_array-} ]]; then
        # Somebody has assigned a string to PROMPT_COMMAND, which is to assign
        # to its first element. What is done here counts from the next prompt on.
        if [[ ${PROMPT_COMMAND[0]-} != "$__quarterdeck_first"* ]]; then
            __quarterdeck_ended "$status"
            PROMPT_COMMAND[0]=$__quarterdeck_first$'\n'${PROMPT_COMMAND[0]-}
        fi
        # Something was added behind our last element: follow it, because it may
        # rewrite PS1.
        if [[ ${PROMPT_COMMAND[${#PROMPT_COMMAND[@]} - 1]-} != "$__quarterdeck_last" ]]; then
            PROMPT_COMMAND+=("$__quarterdeck_last")
        fi
    fi
    __quarterdeck_prompt=$((__quarterdeck_prompt + 1))
    builtin printf -v cwd %q "$PWD"
    __quarterdeck_tell '\e]133;A;q=%s;n=%d;cwd=q:%s\a' \
        "$__quarterdeck_key" "$__quarterdeck_prompt" "${cwd//;/$'\177'}"
    __quarterdeck_b=$'\e]133;B;q='$__quarterdeck_key';n='$__quarterdeck_prompt$'\a'
    __quarterdeck_c=$'\e]133;C;q='$__quarterdeck_key';n='$__quarterdeck_prompt$'\a'
    __quarterdeck_k=$'\e]133;A;k=s;q='$__quarterdeck_key';n='$__quarterdeck_prompt$'\a'
    # Where nobody has touched the prompts, they still hold what belongs there.
    if [[ $__quarterdeck_prompts != "${PS0-}${PS1-}${PS2-}" ]] || ! builtin shopt -q promptvars; then
        # The prompts name the variables instead of holding the marks, so that
        # `echo "$PS1"` shows no key. Where prompts are not expanded they must.
        if builtin shopt -q promptvars; then
            b='\[${__quarterdeck_b-}\]' c='${__quarterdeck_c-}' k='\[${__quarterdeck_k-}\]'
        else
            b='\['$__quarterdeck_b'\]' c=$__quarterdeck_c k='\['$__quarterdeck_k'\]'
        fi
        PS1=${PS1-} PS1=${PS1%"${__quarterdeck_was_b-}"}$b
        PS2=${PS2-} PS2=${PS2%"${__quarterdeck_was_k-}"}$k
        PS0=${PS0-} PS0=${PS0%"${__quarterdeck_was_c-}"}$c
        __quarterdeck_was_b=$b __quarterdeck_was_c=$c __quarterdeck_was_k=$k
        __quarterdeck_prompts=$PS0$PS1$PS2
    fi
    # Under `set -a` what is assigned is exported, and a child could forge marks.
    [[ $- != *a* ]] || builtin export -n __quarterdeck_key __quarterdeck_b __quarterdeck_c \
        __quarterdeck_k __quarterdeck_was_b __quarterdeck_was_c __quarterdeck_was_k __quarterdeck_prompts
    __quarterdeck_armed=yes
    # bash shows its prompt, with the marks in it, where errors go.
    [[ -t 3 ]] || __quarterdeck_tell "$__quarterdeck_b"
    builtin return "$status"
}

# Bound to private key sequences, whose number it is given: tells the host what
# the line holds. Also 1 where vi's editor would take text for commands.
__quarterdeck_line() {
    builtin local status=$? line
    [[ $- != *x* ]] || { builtin local - && builtin set +x; } 2>/dev/null
    builtin printf -v line %q "$READLINE_LINE"
    __quarterdeck_tell '\e]133;L;q=%s;n=%d;a=%d;v=%d;line=q:%s\a' \
        "$__quarterdeck_key" "$__quarterdeck_prompt" "$1" "${2-0}" "${line//;/$'\177'}"
    [[ -t 2 ]] || __quarterdeck_tell "$__quarterdeck_b"
    builtin return "$status"
}

# bash before 4.4 has no PS0: the first command after a prompt tells.
__quarterdeck_debug() {
    [[ -n ${__quarterdeck_armed-} && -z ${COMP_LINE-} ]] || builtin return 0
    __quarterdeck_armed=
    [[ $BASH_COMMAND == __quarterdeck_* ]] || __quarterdeck_tell '%s' "$__quarterdeck_c"
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

# What is typed is what runs: no expansion of `!`.
builtin set +H

if [[ -o emacs || -o vi ]]; then
    builtin bind 'set enable-bracketed-paste on' 2>/dev/null
    builtin bind 'set enable-active-region off' 2>/dev/null
    if ((BASH_VERSINFO[0] >= 4)); then
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

if ((BASH_VERSINFO[0] > 5 || BASH_VERSINFO[0] == 5 && BASH_VERSINFO[1] >= 1)); then
    __quarterdeck_array=yes
    PROMPT_COMMAND=("$__quarterdeck_first" "${PROMPT_COMMAND[@]}" "$__quarterdeck_last")
else
    PROMPT_COMMAND=$__quarterdeck_first$'\n'"${PROMPT_COMMAND-}"$'\n'$__quarterdeck_last
fi
if ((BASH_VERSINFO[0] < 4 || BASH_VERSINFO[0] == 4 && BASH_VERSINFO[1] < 4)); then
    [[ -n $(builtin trap -p DEBUG) ]] || builtin trap __quarterdeck_debug DEBUG
fi
# The first prompt says nothing about what the rc file returned.
builtin true
