# bash completion for plimsoll. Names of options and their choices come from the program itself, so that they are
# always those of the version that is installed; tests/docs.t holds the result against its tables.

_plimsoll()
{
    local cur prev words cword split=false
    if declare -F _init_completion >/dev/null; then
        _init_completion -n = || return
    else
        words=("${COMP_WORDS[@]}") cword=$COMP_CWORD cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
    fi
    local program=${words[0]} table command="" word kind
    table=$("$program" --list-options 2>/dev/null) || return

    for word in "${words[@]:1:cword-1}"; do
        case $word in -*) continue ;; esac
        if grep -q "^command	$word	" <<<"$table"; then command=$word; break; fi
    done

    # The argument of an option: its choices, else files.
    kind=$(awk -F '\t' -v o="$prev" '$1 == "option" && ($2 == o || ($3 != "" && $3 == o)) { print $4 "\t" $5 }' <<<"$table")
    case $kind in
        choice*)
            COMPREPLY=($(compgen -W "$(tr '|' ' ' <<<"${kind#*	}")" -- "$cur"))
            return
            ;;
        value*)
            COMPREPLY=($(compgen -f -- "$cur"))
            return
            ;;
    esac

    if [[ $cur == -* ]]; then
        COMPREPLY=($(compgen -W "$(awk -F '\t' -v c="${command:-fit}" '
            $1 == "option" && index(" " $6, " " c " ") { print $2; if ($3 != "") print $3 }' <<<"$table")" -- "$cur"))
        return
    fi
    case $command in
        "") COMPREPLY=($(compgen -W "$(awk -F '\t' '$1 == "command" { print $2 }' <<<"$table")" -- "$cur")) ;;
        catalog)
            if [[ $prev == catalog ]]; then
                COMPREPLY=($(compgen -W "$(awk -F '\t' '$1 == "command" && $2 == "catalog" { sub(/ .*/, "", $3); gsub(/\|/, " ", $3); print $3 }' <<<"$table")" -- "$cur"))
                return
            fi
            case " ${words[*]:1:cword-1} " in
                *" add "*) COMPREPLY=($(compgen -f -- "$cur")) ;;
                *" remove "*) COMPREPLY=($(compgen -W "$("$program" sql "SELECT id FROM user.models" --format csv 2>/dev/null | awk 'NR > 1')" -- "$cur")) ;;
                *) COMPREPLY=($(compgen -W "$("$program" catalog list --format csv 2>/dev/null | awk -F, 'NR > 1 { print $1 }')" -- "$cur")) ;;
            esac
            case " ${words[*]:1:cword-1} " in *" check "*) COMPREPLY+=($(compgen -f -- "$cur")) ;; esac
            ;;
        plan)
            COMPREPLY=($(compgen -f -- "$cur") $(compgen -W "$("$program" catalog list --format csv 2>/dev/null | awk -F, 'NR > 1 { print $1 }')" -- "$cur"))
            ;;
        inspect) COMPREPLY=($(compgen -f -- "$cur")) ;;
    esac
}
complete -o filenames -F _plimsoll plimsoll
