# Quarterdeck's shell integration for zsh: the .zshenv of one session's ZDOTDIR.
#
# Gives ZDOTDIR back before anything of the user's runs, so that zsh itself
# reads the user's .zshenv (below), .zprofile, .zshrc and .zlogin from where
# they are. The rest waits for the first prompt, when all of them have run.
# The key lives in unexported variables; the host deletes this file.

if (( ${+QUARTERDECK_ZDOTDIR} )); then
    'builtin' 'export' ZDOTDIR="$QUARTERDECK_ZDOTDIR"
    'builtin' 'unset' QUARTERDECK_ZDOTDIR
else
    'builtin' 'unset' ZDOTDIR
fi

{
    [[ ! -r ${ZDOTDIR-$HOME}/.zshenv ]] || 'builtin' 'source' "${ZDOTDIR-$HOME}/.zshenv"
} always {
    if [[ -o interactive ]]; then
        'builtin' 'typeset' -g +x __quarterdeck_key=@KEY@
        'builtin' 'typeset' -g +x __quarterdeck_prompt=0
        # Stands for `;`, which would end a mark's field.
        'builtin' 'typeset' -g +x __quarterdeck_del=$'\177'
        'builtin' 'printf' '\e]133;H;q=%s;n=0;ask=1\a' "$__quarterdeck_key"

        # The first prompt: the user's own files have run.
        __quarterdeck_start() {
            'builtin' 'local' ended=$?
            # What is typed is what runs: comments yes, expansion of `!` no. And zsh fills
            # up a partial last line before any hook runs, which would end up in the
            # command's output: __quarterdeck_precmd does it instead.
            'builtin' 'typeset' -g __quarterdeck_fill=
            __quarterdeck_options
            # The function `precmd` runs before the array, and would print into
            # the output of the command that has just ended.
            if (( ${+functions[precmd]} )); then
                functions[__quarterdeck_user_precmd]=$functions[precmd]
                'builtin' 'unfunction' precmd
                precmd_functions=(__quarterdeck_user_precmd $precmd_functions)
                __quarterdeck_user_precmd
            fi
            precmd_functions=(__quarterdeck_options __quarterdeck_precmd ${precmd_functions:#__quarterdeck_start})
            preexec_functions+=(__quarterdeck_preexec)
            'builtin' 'autoload' -Uz add-zle-hook-widget
            __quarterdeck_keys
            'builtin' 'unfunction' __quarterdeck_start
            __quarterdeck_precmd $ended
        }

        # What keys do; said again after `bindkey -d`, which takes this keymap with it, too.
        __quarterdeck_keys() {
            'builtin' 'emulate' -L zsh
            'builtin' 'setopt' no_xtrace
            __quarterdeck_only_enter_runs
            'builtin' 'bindkey' -N __quarterdeck
            'builtin' 'local' keymap question before
            for keymap in emacs viins vicmd; do
                for question in 113 117 118 119; do
                    'builtin' 'zle' -N __quarterdeck_line_$question __quarterdeck_line
                    # The same where a key was typed before it that waits for another.
                    for before in '' '\e' '^X'; do
                        'builtin' 'bindkey' -M $keymap "$before\e[27;7;$question~" __quarterdeck_line_$question
                    done
                done
                # The plain widgets, whatever plugins have put around them.
                'builtin' 'bindkey' -M $keymap '\e[27;7;112~' .bracketed-paste
                'builtin' 'bindkey' -M $keymap '\e[27;7;114~' .accept-line
                # Not the plain one: what reads the words to search for knows this name.
                'builtin' 'bindkey' -M $keymap '\e[27;7;115~' send-break
            done
        }

        # A key that runs something by itself would run it unseen: what the host judges
        # is a line at its Enter. So widgets that run a line otherwise, text with an
        # Enter in it, and keys bound to widgets of somebody's own do nothing here. What
        # plugins put around zsh's widgets stays, and so do widgets from files in $fpath.
        __quarterdeck_only_enter_runs() {
            'builtin' 'emulate' -L zsh
            'builtin' 'setopt' extended_glob
            'builtin' 'local' widget keymap binding
            'builtin' 'local' -a words
            'builtin' 'zmodload' zsh/zleparameter
            __quarterdeck_nothing() { 'builtin' 'true'; }
            for widget in accept-and-hold accept-and-infer-next-history accept-line-and-down-history \
                pound-insert vi-pound-insert run-help which-command; do
                'builtin' 'zle' -N $widget __quarterdeck_nothing
            done
            for keymap in emacs viins vicmd; do
                for binding in ${(f)"$('builtin' 'bindkey' -M $keymap -L)"}; do
                    words=(${(Q)${(z)binding}})
                    widget=$words[-1]
                    if [[ $words[2] == -s ]]; then
                        [[ $widget == *'^'[JMO]* ]] || 'builtin' 'continue'
                    # zsh knows these by their names, whatever widgets they are.
                    elif [[ $widget != (accept-line|execute-named-cmd|execute-last-named-cmd) ]]; then
                        [[ ${widgets[$widget]-} == user:* && -z ${widgets[(I).$widget]} ]] || 'builtin' 'continue'
                        [[ -z $^fpath/${widgets[$widget]#user:}(#qN) ]] || 'builtin' 'continue'
                    fi
                    'builtin' 'bindkey' -M $keymap -r -- $words[-2]
                    # History programs take these; what they do in a plain zsh is missed most.
                    case $words[-2] in
                        ('^[[A' | '^[OA' | '^P') 'builtin' 'bindkey' -M $keymap -- $words[-2] up-line-or-history ;;
                        ('^[[B' | '^[OB' | '^N') 'builtin' 'bindkey' -M $keymap -- $words[-2] down-line-or-history ;;
                        ('^R') 'builtin' 'bindkey' -M $keymap '^R' history-incremental-search-backward ;;
                        ('^I') 'builtin' 'bindkey' -M $keymap '^I' expand-or-complete ;;
                    esac
                done
                'builtin' 'bindkey' -M $keymap '^M' accept-line
                'builtin' 'bindkey' -M $keymap '^J' accept-line
            done
        }

        # A comment that is judged as one must be one, and a partial last line is not filled up
        # before it is told, whatever was set meanwhile: `emulate` sets it all.
        __quarterdeck_options() {
            {
                'builtin' 'setopt' interactive_comments no_bang_hist
                [[ ! -o prompt_sp ]] || __quarterdeck_fill=yes
                'builtin' 'setopt' no_prompt_sp
            } 2>/dev/null
        }

        # Marks go to the terminal, wherever `exec` has the output go.
        __quarterdeck_tell() {
            if [[ -t 1 ]]; then
                'builtin' 'printf' "$@"
            else
                'builtin' 'printf' "$@" >/dev/tty
            fi
        }

        # What `set -x` tells of these is nobody's output, and would tell the key.
        __quarterdeck_precmd() {
            {
                'builtin' 'local' ended=${1:-$?} fill= cwd
                'builtin' 'emulate' -L zsh
                'builtin' 'setopt' no_xtrace
            } 2>/dev/null
            [[ -z ${__quarterdeck_fill-} ]] || fill=${(l:COLUMNS-1:)}$'\r'
            cwd=${(qqqq)PWD}
            __quarterdeck_tell '\e]133;D;%d;q=%s;n=%d\a' "$ended" "$__quarterdeck_key" "$__quarterdeck_prompt"
            (( ++__quarterdeck_prompt ))
            __quarterdeck_tell '\e]133;F;q=%s;n=%d\a%s\e]133;A;q=%s;n=%d;cwd=q:%s\a' \
                "$__quarterdeck_key" "$__quarterdeck_prompt" "$fill" \
                "$__quarterdeck_key" "$__quarterdeck_prompt" "${cwd//;/$__quarterdeck_del}"
            if [[ ! -o zle ]]; then
                # Without the editor nobody says when a line is read.
                __quarterdeck_tell '\e]133;X;q=%s;n=%d\a' "$__quarterdeck_key" "$__quarterdeck_prompt"
                'builtin' 'typeset' -g __quarterdeck_over=yes
                precmd_functions=("${precmd_functions[@]:#__quarterdeck_precmd}")
                preexec_functions=("${preexec_functions[@]:#__quarterdeck_preexec}")
                'builtin' 'return' "$ended"
            fi
            (( ! ${+keymaps} || ${keymaps[(I)__quarterdeck]} )) || __quarterdeck_keys 2>/dev/null
            # Something may have replaced the editor's hook. The dispatcher of these hooks
            # works under zsh's own options only; made under `emulate`, it brings them along.
            [[ ${widgets[zle-line-init]-} == user:azhw:* ]] || 'builtin' 'emulate' zsh -c '
                add-zle-hook-widget line-init __quarterdeck_edit
                functions[azhw:zle-line-init]=$functions[azhw:zle-line-init]'
            'builtin' 'return' "$ended"
        }

        __quarterdeck_preexec() {
            {
                'builtin' 'emulate' -L zsh
                'builtin' 'setopt' no_xtrace
            } 2>/dev/null
            'builtin' 'local' line=${(qqqq)1}
            __quarterdeck_tell '\e]133;C;q=%s;n=%d;line=q:%s\a' \
                "$__quarterdeck_key" "$__quarterdeck_prompt" "${line//;/$__quarterdeck_del}"
        }

        # Somebody has emptied the lists of hooks. The host takes the mark of the line that
        # is edited now for the end of the command, and what is told counts from there on.
        __quarterdeck_hook() {
            'builtin' 'typeset' -ga precmd_functions preexec_functions
            precmd_functions=(__quarterdeck_options __quarterdeck_precmd "${precmd_functions[@]}")
            preexec_functions=("${preexec_functions[@]:#__quarterdeck_preexec}" __quarterdeck_preexec)
        }

        # The editor starts on a line, or on a further line of a command.
        __quarterdeck_edit() {
            {
                'builtin' 'emulate' -L zsh
                'builtin' 'setopt' no_xtrace
            } 2>/dev/null
            [[ -z ${__quarterdeck_over-} ]] || 'builtin' 'return' 0
            case $CONTEXT in
                start)
                    (( ${+precmd_functions} && ${precmd_functions[(I)__quarterdeck_precmd]} )) || __quarterdeck_hook
                    __quarterdeck_tell '\e]133;B;q=%s;n=%d\a' "$__quarterdeck_key" "$__quarterdeck_prompt"
                    ;;
                cont) __quarterdeck_tell '\e]133;A;k=s;q=%s;n=%d\a' "$__quarterdeck_key" "$__quarterdeck_prompt" ;;
            esac
        }

        # Bound to private key sequences, whose number its widget's name ends in:
        # tells the host what the line holds.
        __quarterdeck_line() {
            {
                'builtin' 'emulate' -L zsh
                'builtin' 'setopt' no_xtrace
            } 2>/dev/null
            'builtin' 'local' line=${(qqqq)BUFFER} commands=0
            [[ $KEYMAP != vicmd ]] || commands=1
            __quarterdeck_tell '\e]133;L;q=%s;n=%d;a=%d;v=%d;line=q:%s\a' \
                "$__quarterdeck_key" "$__quarterdeck_prompt" "${WIDGET##*_}" "$commands" "${line//;/$__quarterdeck_del}"
        }

        # tmux throws away what it has not read yet when the pane's program ends. It answers the
        # question where the cursor is once it has read all that was written before.
        __quarterdeck_leaving() {
            'builtin' 'emulate' -L zsh
            'command' 'sh' -c 'stty -icanon -echo min 0 time 20 && printf "\033[6n" &&
                until case $(dd bs=64 count=1) in "" | *R*) ;; *) false ;; esac; do :; done' </dev/tty >/dev/tty 2>/dev/null
        }

        'builtin' 'typeset' -ga precmd_functions preexec_functions zshexit_functions
        [[ -z ${TMUX-} ]] || zshexit_functions+=(__quarterdeck_leaving)
        precmd_functions+=(__quarterdeck_start)
    fi
}
