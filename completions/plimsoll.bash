# bash completion for plimsoll. Everything that is offered comes from the program itself (plimsoll __complete), so that it
# is always that of the version that is installed. Needs nothing of the bash-completion package.

_plimsoll()
{
    local i n word line current prefix glue=no
    local -a words=()
    # bash takes words apart at ':' and '=': put them together again, unless a blank stands between.
    for ((i = 1; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]} n=${#words[@]}
        if [[ $i == "$COMP_CWORD" && -z $word && ${COMP_LINE:COMP_POINT-1:1} == " " ]]; then glue=no; fi
        if ((n > 0)) && { [[ $word == [:=] || $glue == yes ]]; }; then
            words[n-1]=${words[n-1]}$word
        else
            words[n]=$word
        fi
        if [[ $word == [:=] ]]; then glue=yes; else glue=no; fi
    done
    current=${COMP_WORDS[COMP_CWORD]}
    word=${words[${#words[@]}-1]}
    prefix=
    if [[ $word != "$current" ]]; then # what bash took off stays on the line
        if [[ $current == [:=] ]]; then prefix=$word; else prefix=${word%"$current"}; fi
    fi
    COMPREPLY=()
    while IFS= read -r line; do
        if [[ $line == :files ]]; then
            [[ $current == [:=] ]] && current=
            while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$current")
        else
            line=${line%%$'\t'*}
            COMPREPLY+=("${line#"$prefix"}")
        fi
    done < <("${COMP_WORDS[0]}" __complete "${words[@]}" 2>/dev/null)
}
complete -o filenames -F _plimsoll plimsoll
