// The one form of the page goes on by itself; without scripts its button does.
document.forms[0].submit();
